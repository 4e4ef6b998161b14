import type { PublishProgress } from '@soci/index';
import type { Progress, ProgressItem } from '../terminal/progress.ts';
import { countOf, formatBytes, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

type EventOf<Type extends PublishProgress['type']> = Extract<PublishProgress, { readonly type: Type }>;

/**
 * Shows the events of `indexImage`: a bar over all layers that are read and one for each in flight, one line for each that
 * is done; then how far the proof is, and what is written.
 *
 * @param destination - As the command line names it.
 */
export function showIndexProgress(progress: Progress, destination: string): (event: PublishProgress) => void {
  const inFlight = new InFlight();
  const showTransfer = showTransferProgress(progress, `writing ${destination}`);
  let showProof = (_: EventOf<'proof-progress'>) => {};
  let bytes = 0;
  let layers = 0;
  let done = 0;
  const show = () =>
    progress.update({
      done: inFlight.bytes,
      total: bytes,
      detail: `${done} of ${countOf(layers, 'layer')}, ${formatBytes(inFlight.bytes)} of ${formatBytes(bytes)}`,
      items: inFlight.items(),
    });
  return (event) => {
    switch (event.type) {
      case 'planned':
        ({ layers, bytes } = event);
        break;
      case 'layer-started':
      case 'layer-progress':
        inFlight.advance(event.layer, 'bytes' in event ? event.bytes : 0, event.size);
        show();
        break;
      case 'layer-done':
        done++;
        inFlight.advance(event.layer, event.size, event.size);
        inFlight.end(event.layer);
        show();
        progress.milestone(`layer ${done} of ${layers}  ${describe(event)}  ${formatSeconds(event.seconds)}`);
        break;
      case 'layer-reused':
        progress.milestone(`layer reused  ${describe(event)}`);
        break;
      case 'ztoc-refused':
        progress.milestone(`layer ${shortDigest(event.layer)} is read: ${printable(event.message)}`);
        break;
      case 'rebuilding':
        progress.milestone(`the index is built again, without reused zTOCs: ${printable(event.problem.message)}`);
        break;
      case 'proving':
        showProof = showProofProgress(progress, event.bytes);
        break;
      case 'proof-progress':
        showProof(event);
        break;
      case 'push-progress':
        showTransfer(event);
        break;
    }
  };
}

function describe({ layer, size, files, spans, ztocSize }: EventOf<'layer-done' | 'layer-reused'>): string {
  const facts = [countOf(files, 'file'), countOf(spans, 'span'), `zTOC ${formatBytes(ztocSize)}`];
  return [shortDigest(layer), formatBytes(size), ...facts].join('  ');
}

/** Shows how far files are read back, of layers of so many bytes. */
export function showProofProgress(
  progress: Progress,
  totalSize: number,
): (event: Pick<EventOf<'proof-progress'>, 'layer' | 'bytes'>) => void {
  const read = new Map<string, number>();
  return ({ layer, bytes }) => {
    read.set(layer, bytes);
    const done = [...read.values()].reduce((sum, each) => sum + each, 0);
    const detail = `reading files back, ${formatBytes(done)} of ${formatBytes(totalSize)}`;
    progress.update({ done, total: totalSize, detail });
  };
}

/** Shows how content is written: what was written in all, and each piece that is on its way. */
export function showTransferProgress(
  progress: Progress,
  title: string,
): (event: Pick<EventOf<'push-progress'>, 'digest' | 'size' | 'bytes'>) => void {
  const inFlight = new InFlight();
  return ({ digest, size, bytes }) => {
    inFlight.advance(digest, bytes, size);
    if (bytes === size) inFlight.end(digest);
    const detail = `${title}  ${formatBytes(inFlight.bytes)}`;
    progress.update({ done: 0, total: 0, detail, items: inFlight.items() });
  };
}

/** Blobs that are being read or written at the moment, in the order in which they were begun, and how far each is. */
class InFlight {
  readonly #blobs = new Map<string, { done: number; readonly total: number }>();
  /** Bytes over all blobs, those that are done included. */
  bytes = 0;

  /** Where a blob stands: `done` of `total` bytes. */
  advance(digest: string, done: number, total: number): void {
    const blob = this.#blobs.get(digest) ?? { done: 0, total };
    this.bytes += done - blob.done;
    blob.done = done;
    this.#blobs.set(digest, blob);
  }

  /** A blob is done, or given up. */
  end(digest: string): void {
    this.#blobs.delete(digest);
  }

  /** A line for each. */
  items(): ProgressItem[] {
    return [...this.#blobs].map(([digest, { done, total }]) => ({
      label: `${shortDigest(digest)}  ${formatBytes(done)} of ${formatBytes(total)}`,
      done,
      total,
    }));
  }
}

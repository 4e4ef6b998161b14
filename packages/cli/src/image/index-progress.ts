import type { PublishProgress } from '@soci/index';
import type { Progress, ProgressItem } from '../terminal/progress.ts';
import { formatBytes, formatSeconds, pluralize, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

type EventOf<Type extends PublishProgress['type']> = Extract<PublishProgress, { readonly type: Type }>;

/**
 * Returns a handler that shows the progress of `indexImage`: a bar for all layers and one for each layer in progress, a
 * line for each finished layer, then the progress of verification and of writing.
 *
 * @param destination - Destination as on the command line.
 */
export function showIndexProgress(progress: Progress, destination: string): (event: PublishProgress) => void {
  const inFlight = new BlobProgress();
  const showTransfer = showTransferProgress(progress, `writing ${destination}`);
  let showProof = (_: EventOf<'proof-progress'>) => {};
  let bytes = 0;
  let layers = 0;
  let done = 0;
  const show = () =>
    progress.update({
      done: inFlight.bytes,
      total: bytes,
      get detail() {
        return `${done} of ${pluralize(layers, 'layer')}, ${formatBytes(inFlight.bytes)} of ${formatBytes(bytes)}`;
      },
      get items() {
        return inFlight.items();
      },
    });
  return (event) => {
    switch (event.type) {
      case 'planned':
        // With the span size auto, layers may be read twice.
        layers += event.layers;
        bytes += event.bytes;
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
        progress.milestone(`layer ${done} of ${layers}  ${describeLayer(event)}  ${formatSeconds(event.seconds)}`);
        break;
      case 'layer-mismatched':
        done++;
        inFlight.end(event.layer);
        progress.milestone(
          `layer ${done} of ${layers}  ${shortDigest(event.layer)}  skipped: ${event.format} with the media type ${printable(event.mediaType)}`,
        );
        break;
      case 'layer-reused':
        progress.milestone(`layer reused  ${describeLayer(event)}`);
        break;
      case 'ztoc-refused':
        progress.milestone(`layer ${shortDigest(event.layer)}: cannot reuse its zTOC: ${event.message}`);
        break;
      case 'profile-skipped':
        progress.milestone(`the stored profile is not used: ${event.error.message}`);
        break;
      case 'rebuilding':
        progress.milestone(`rebuilding the index without reused zTOCs: ${event.problem.message}`);
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

function describeLayer({ layer, size, files, spans, ztocSize }: EventOf<'layer-done' | 'layer-reused'>): string {
  const facts = [pluralize(files, 'file'), pluralize(spans, 'span'), `zTOC ${formatBytes(ztocSize)}`];
  return [shortDigest(layer), formatBytes(size), ...facts].join('  ');
}

/** Returns a handler that shows the progress of verification, for layers of `totalSize` bytes. */
export function showProofProgress(
  progress: Progress,
  totalSize: number,
): (event: Pick<EventOf<'proof-progress'>, 'layer' | 'bytes'>) => void {
  const read = new Map<string, number>();
  return ({ layer, bytes }) => {
    read.set(layer, bytes);
    const done = [...read.values()].reduce((sum, each) => sum + each, 0);
    const detail = `verifying, ${formatBytes(done)} of ${formatBytes(totalSize)}`;
    progress.update({ done, total: totalSize, detail });
  };
}

/** Returns a handler that shows the progress of writing: the total, and a bar for each blob in progress. */
export function showTransferProgress(
  progress: Progress,
  title: string,
): (event: Pick<EventOf<'push-progress'>, 'digest' | 'size' | 'bytes'>) => void {
  const inFlight = new BlobProgress();
  return ({ digest, size, bytes }) => {
    inFlight.advance(digest, bytes, size);
    if (bytes === size) inFlight.end(digest);
    const detail = `${title}  ${formatBytes(inFlight.bytes)}`;
    progress.update({ done: 0, total: 0, detail, items: inFlight.items() });
  };
}

/** Tracks the blobs that are being read or written, in the order in which they started. */
class BlobProgress {
  readonly #blobs = new Map<string, { done: number; readonly total: number; isEnded: boolean }>();
  /** Bytes transferred, including finished blobs. A blob that starts again counts once. */
  bytes = 0;

  /** Records that `done` of the `total` bytes of a blob are transferred. */
  advance(digest: string, done: number, total: number): void {
    const blob = this.#blobs.get(digest) ?? { done: 0, total, isEnded: false };
    this.bytes += done - blob.done;
    this.#blobs.set(digest, Object.assign(blob, { done, isEnded: false }));
  }

  /** Hides a blob that is finished or was given up. */
  end(digest: string): void {
    const blob = this.#blobs.get(digest);
    if (blob !== undefined) blob.isEnded = true;
  }

  /** Returns a line for each blob in progress. */
  items(): ProgressItem[] {
    return [...this.#blobs]
      .filter(([, { isEnded }]) => !isEnded)
      .map(([digest, { done, total }]) => ({
        label: `${shortDigest(digest)}  ${formatBytes(done)} of ${formatBytes(total)}`,
        done,
        total,
      }));
  }
}

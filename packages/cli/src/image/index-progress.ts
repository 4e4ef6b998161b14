import type { IndexProgress } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import type { Progress, ProgressItem } from '../terminal/progress.ts';
import { countOf, formatBytes, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

type LayerEvent = Extract<IndexProgress, { readonly type: 'layer-done' | 'layer-reused' }>;

/**
 * Shows the events of indexing an image: a bar over all layers that are read and one for each in flight, one line for
 * each that is done.
 */
export function showLayerProgress(progress: Progress): (event: IndexProgress) => void {
  const inFlight = new InFlight();
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
        inFlight.advance(event.layer, 0, event.size);
        show();
        break;
      case 'layer-progress':
        inFlight.advance(event.layer, event.bytes, event.size);
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
    }
  };
}

function describe({ layer, size, files, spans, ztocSize }: LayerEvent): string {
  const facts = [countOf(files, 'file'), countOf(spans, 'span'), `zTOC ${formatBytes(ztocSize)}`];
  return [shortDigest(layer), formatBytes(size), ...facts].join('  ');
}

/** Shows how content is written: what was written in all, and each piece that is on its way. */
export function showTransferProgress(
  progress: Progress,
  title: string,
): (bytes: number, piece: Pick<Descriptor, 'digest' | 'size'>) => void {
  const inFlight = new InFlight();
  return (bytes, { digest, size }) => {
    inFlight.add(digest, bytes, size);
    progress.update({
      done: 0,
      total: 0,
      detail: `${title}  ${formatBytes(inFlight.bytes)}`,
      items: inFlight.items(),
    });
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

  /** So many more bytes of a blob. */
  add(digest: string, bytes: number, total: number): void {
    this.advance(digest, (this.#blobs.get(digest)?.done ?? 0) + bytes, total);
    if (this.#blobs.get(digest)?.done === total) this.end(digest);
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

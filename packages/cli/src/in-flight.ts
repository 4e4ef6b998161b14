import type { ProgressItem } from './terminal/progress.ts';
import { formatBytes, shortDigest } from './terminal/quantity.ts';

/** Blobs that are being read or written at the moment, in the order in which they were begun, and how far each is. */
export class InFlight {
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

import type { CallOptions } from '@soci/oci';
import { BlobPart, type PartMemory } from './blob-part.ts';
import { type NetworkPath, planParts } from './plan-parts.ts';
import { MIN_PART_SIZE, type ReadAheadPool } from './read-ahead-pool.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** Minimum number of remaining bytes for which several connections are worthwhile: 8 MiB. */
const MIN_BYTES_LEFT = 1 << 23;

/** Memory for bytes of the first parts: 16 MiB. It doubles while the consumer waits for the network. */
const INITIAL_MEMORY = 1 << 24;

/**
 * Share of the missing bytes of earlier parts for which memory is kept. Most of them pass directly to the consumer. With
 * 0, late parts would fill the memory, and then only the first part receives; with 1, memory would be empty most of the time.
 */
const KEPT_SHARE = 0.25;

/** Share of the time spent waiting above which the memory doubles. */
const WAITING_SHARE = 0.25;

/** Minimum speed-up over one connection, below which no more parts are requested. */
const MIN_SPEEDUP = 1.25;

/**
 * Reads the rest of a blob with several concurrent requests, and yields it in order. Bytes that arrived and are not
 * consumed count in the {@link ReadAheadPool}. Without room, parts wait, except the first one, which the consumer reads.
 * The next part is requested when the consumer has finished the first, and more of them while the consumer waits for the
 * network. If one connection was at least as fast, no more parts are requested, and the caller reads the rest.
 */
export class ParallelReader implements PartMemory {
  readonly #blob: RemoteBlob;
  readonly #readAhead: ReadAheadPool | undefined;
  readonly #parts: BlobPart[] = [];
  readonly #abort = new AbortController();
  /** Shared by all parts: a signal per part would leave hundreds of listeners on the caller's signal. */
  readonly #signal: AbortSignal;
  /** Bytes that arrived and are not consumed. Counted in the pool. */
  #buffered = 0;
  /** Maximum of `#buffered`, unless the share of the pool is less. */
  #memory = INITIAL_MEMORY;
  /** Offset of the next part. */
  #position = 0;
  #path: NetworkPath = { rate: 1, delay: 0 };
  #isEnding = false;

  constructor(blob: RemoteBlob, { signal }: CallOptions) {
    this.#blob = blob;
    this.#readAhead = blob.options.readAhead;
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
  }

  /**
   * Starts reading at `position`, with as many requests as the network needs and the memory allows.
   * {@link ParallelReader.close} must be called afterwards.
   *
   * @param path - Rate and delay of the first connection. The delay may include a redirect: that of the parts counts
   * afterwards.
   * @returns false if too little memory is available, or too little of the blob remains
   */
  start(position: number, path: NetworkPath): boolean {
    const left = this.#blob.size - position;
    if (left <= MIN_BYTES_LEFT) return false;
    this.#path = path;
    this.#position = position;
    this.#request();
    return this.#parts.length > 0;
  }

  /**
   * Yields chunks that belong to the caller.
   *
   * @throws the failure of a part, when its turn comes
   */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const { rate } = this.#path;
    let consumed = 0;
    let round = { at: performance.now(), waited: 0, end: this.#limit };
    // The first round, and that after more memory, includes opening connections, so measure from the next one.
    let measured: { readonly from: number; readonly at: number } | undefined;
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      yield* part.read();
      await part.settled;
      this.#parts.shift();
      consumed += part.length;
      this.#learn(part);
      round.waited += part.waited;
      if (consumed >= round.end) {
        const now = performance.now();
        if (this.#memory < (this.#readAhead?.share ?? 0) && round.waited > (now - round.at) * WAITING_SHARE) {
          this.#memory *= 2;
          measured = undefined;
        } else {
          if (measured) this.#isEnding = (consumed - measured.from) / (now - measured.at) < rate * MIN_SPEEDUP;
          measured ??= { from: consumed, at: now };
        }
        round = { at: now, waited: 0, end: consumed + this.#limit };
      }
      this.#request();
    }
  }

  /** Aborts running requests, and releases the memory when nothing arrives any more. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const part of this.#parts) part.resume();
    await Promise.all(this.#parts.map((part) => part.settled));
    this.#parts.length = 0;
    this.add(-this.#buffered);
  }

  /** Implements {@link PartMemory.add}. */
  add(bytes: number): void {
    this.#buffered += bytes;
    this.#readAhead?.add(bytes);
    if (bytes < 0) for (const part of this.#parts) part.resumeIfRoom();
  }

  /** Implements {@link PartMemory.hasRoomFor}. The consumer waits for the first part, so it may always have one chunk. */
  hasRoomFor(part: BlobPart): boolean {
    let missing = 0;
    for (const earlier of this.#parts) {
      if (earlier === part) break;
      missing += earlier.length - earlier.received;
    }
    if (part === this.#parts[0] && part.isEmpty) return true;
    const used = this.#buffered + missing * KEPT_SHARE;
    return used < this.#limit && (this.#readAhead?.hasRoom ?? false);
  }

  /** The delay of a part may include waiting for a connection, so the smallest one counts. */
  #learn({ delay }: BlobPart): void {
    if (delay !== undefined && delay < this.#path.delay) this.#path = { ...this.#path, delay };
  }

  /** Maximum of `#buffered` at the moment. */
  get #limit(): number {
    return Math.min(this.#memory, this.#readAhead?.share ?? 0);
  }

  #request(): void {
    const share = this.#readAhead?.share ?? 0;
    if (share === 0) return;
    const { size, count } = planParts(this.#path, this.#limit, Math.floor(share / MIN_PART_SIZE));
    while (!this.#isEnding && this.#parts.length < count) {
      const range = { offset: this.#position, length: Math.min(size, this.#blob.size - this.#position) };
      if (range.length === 0) return;
      this.#parts.push(new BlobPart(this.#blob, range, this, { signal: this.#signal }));
      this.#position += range.length;
    }
    for (const part of this.#parts) part.resumeIfRoom();
  }
}

import { WINDOW_SIZE } from '../gzip/checkpoints.ts';
import type { DeflateStream } from '../inflate/deflate-stream.ts';
import { FAULTS, type InflateStatus } from '../inflate/inflater.ts';
import type { ThreadChannel } from './thread-channel.ts';
import { THREAD_LAYOUT } from './thread-memory.ts';

/** The thread learns of each 128 KiB of output that were read. */
const READ_STEP = 1 << 17;

/**
 * A deflate decoder in another thread. The thread writes a record for each block boundary and each 256 KiB of output, and
 * {@link run} reads these records. So the thread decodes ahead, and everything else happens here in the order of the layer, as
 * with a decoder in this thread.
 */
export class ThreadInflater implements DeflateStream {
  readonly #channel: ThreadChannel;
  readonly #control: Int32Array;
  readonly #records: Int32Array;
  readonly #memory: Uint8Array;
  /** Number of records that were read, and that are known to be written. */
  #read = 0;
  #written = 0;
  /** Position after the last record that was read. */
  inputOffset = 0;
  unusedBits = 0;
  /** Address at which the output ends there, and the difference between an offset of the output and its address. */
  #end: number;
  #base: number;
  /** Address up to which the output has been taken, and its offset when the thread was last told so. */
  #taken: number;
  #released = 0;
  #boundaryAfter = -1;
  #streams = 0;
  /** Whether a deflate stream is being decoded, and whether it is that of a gzip member. */
  #isActive = false;
  #isGzip = false;
  /** End of the deflate stream of a gzip member, while the thread looks for the next one. */
  #memberEnd: number | undefined;
  #crc = 0;
  #isClosed = false;

  constructor(channel: ThreadChannel) {
    this.#channel = channel;
    const { control, records, kernel, output } = channel.memory;
    this.#control = control;
    this.#records = records;
    this.#memory = new Uint8Array(kernel);
    this.#end = output;
    this.#base = -output;
    this.#taken = output;
    channel.begin(THREAD_LAYOUT.inflate);
  }

  get outputOffset(): number {
    return this.#base + this.#end;
  }

  get pendingInput(): Uint8Array {
    return this.#channel.read(this.inputOffset, this.#channel.fed);
  }

  get window(): Uint8Array {
    return this.#memory.subarray(this.#end - WINDOW_SIZE, this.#end);
  }

  get isBehind(): boolean {
    return this.#isActive && !this.#isStarved;
  }

  feed(bytes: Uint8Array, start: number, keepFrom: number): number {
    const channel = this.#channel;
    if (this.#memberEnd !== undefined && !this.#hasRecord) {
      // The thread may not have read the header yet.
      const count = channel.feed(bytes, start, Math.min(keepFrom, this.#memberEnd));
      if (count > 0) return count;
      this.#waitFor(() => this.#hasRecord);
    }
    return channel.feed(bytes, start, Math.min(keepFrom, this.inputOffset));
  }

  inputBetween(from: number, to: number): Uint8Array {
    return this.#channel.read(from, to);
  }

  skipInput(count: number): void {
    this.inputOffset += count;
  }

  beginMember(isGzip: boolean): void {
    this.#isActive = true;
    this.unusedBits = 0;
    if (this.#memberEnd !== undefined) {
      this.#memberEnd = undefined;
      this.#waitFor(() => this.#hasRecord);
      const at = this.#nextRecord();
      if (this.#records[at] === THREAD_LAYOUT.start) {
        if (this.#records[at + 1] === (this.inputOffset | 0)) return;
        throw new Error('the threads disagree about the header of a gzip member');
      }
    }
    this.#control[THREAD_LAYOUT.streamStart] = this.inputOffset | 0;
    this.#isGzip = isGzip;
    this.#control[THREAD_LAYOUT.isGzip] = isGzip ? 1 : 0;
    this.#streams += 1;
    Atomics.store(this.#control, THREAD_LAYOUT.streams, this.#streams | 0);
    this.#channel.signal();
  }

  endMember(): void {}

  stopAfter(offset: number): void {
    this.#boundaryAfter = offset;
  }

  run(waits: boolean): InflateStatus {
    if (this.#base + this.#taken - this.#released >= READ_STEP) this.#release();
    if (waits && this.isBehind) this.#waitFor(() => this.#hasRecord || this.#isStarved);
    while (this.#hasRecord) {
      const at = this.#nextRecord();
      const kind = this.#records[at];
      if (kind === THREAD_LAYOUT.slide) {
        const { output } = this.#channel.memory;
        this.#base += this.#end - output;
        this.#end = output;
        this.#taken = output;
        continue;
      }
      this.inputOffset += ((this.#records[at + 1] as number) - this.inputOffset) | 0;
      this.unusedBits = this.#records[at + 2] as number;
      this.#end = this.#records[at + 3] as number;
      const value = this.#records[at + 4] as number;
      switch (kind) {
        case THREAD_LAYOUT.output:
          return 'need-output';
        case THREAD_LAYOUT.boundary:
          if (this.outputOffset > this.#boundaryAfter) return 'at-boundary';
          break;
        case THREAD_LAYOUT.end:
          this.#crc = value >>> 0;
          this.#isActive = false;
          if (this.#isGzip) this.#memberEnd = this.inputOffset;
          return 'at-end';
        default:
          this.#isActive = false;
          return FAULTS[value] as InflateStatus;
      }
    }
    return 'need-input';
  }

  takeOutput(): Uint8Array {
    const taken = this.#memory.subarray(this.#taken, this.#end);
    this.#taken = this.#end;
    return taken;
  }

  makeRoom(): void {}

  addToCrc(): void {}

  finishCrc(): number {
    return this.#crc;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.end();
  }

  /** Tells the thread what was read, and waits until a condition holds. */
  #waitFor(isMet: () => boolean): void {
    if (isMet()) return;
    this.#release();
    this.#channel.waitFor(isMet);
  }

  /** Returns the index of the next record, which has been written. */
  #nextRecord(): number {
    const at = (this.#read * THREAD_LAYOUT.recordWords) % this.#records.length;
    this.#read += 1;
    return at;
  }

  get #hasRecord(): boolean {
    if (this.#read < this.#written) return true;
    this.#written += (Atomics.load(this.#control, THREAD_LAYOUT.recordsWritten) - this.#written) | 0;
    return this.#read < this.#written;
  }

  /** Whether the thread has decoded everything that it was given. */
  get #isStarved(): boolean {
    const starvedAt = Atomics.load(this.#control, THREAD_LAYOUT.starvedAt);
    return starvedAt === (this.#channel.fed | 0) && !this.#hasRecord;
  }

  /** Tells the thread what it may overwrite: the output that was taken, and the records that were read. */
  #release(): void {
    this.#released = this.#base + this.#taken;
    Atomics.store(this.#control, THREAD_LAYOUT.outputRead, this.#released | 0);
    Atomics.store(this.#control, THREAD_LAYOUT.recordsRead, this.#read | 0);
    this.#channel.signal();
  }
}

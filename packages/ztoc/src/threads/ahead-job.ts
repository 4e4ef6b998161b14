import type { BlocksAhead } from '../build/ahead-reader.ts';
import type { DecodedBlock, DecodedBlocks } from '../gzip/gzip-decoder.ts';
import { AHEAD_LAYOUT, type AheadMemory } from './decode-blocks.ts';

/** Sizes that decide when blocks are requested. */
export interface AheadLimits {
  /** Bytes of the layer between the decoder and the end of what was read. Restarts that are further apart are not found. */
  readonly lead: number;
  /** Bytes of output that the calling thread decodes while the other one starts after them. */
  readonly outputBefore: number;
  /** Minimum number of bytes of the layer for a task. */
  readonly minSize: number;
  /** Bytes of the layer that the calling thread decodes before it looks for blocks again. */
  readonly stepSize: number;
  /** Bytes of the layer without blocks that could be used, after which no more are requested. */
  readonly maxUselessSize: number;
}

const LIMITS: AheadLimits = {
  lead: 1 << 22,
  outputBefore: 1 << 21,
  minSize: 1 << 15,
  stepSize: 1 << 16,
  maxUselessSize: 1 << 24,
};

const { recordWords, start, lastBlock } = AHEAD_LAYOUT;

/** Requests decoded blocks from a thread, and returns them. */
export class AheadJob implements BlocksAhead {
  readonly #ring: Uint8Array;
  readonly #state: Int32Array;
  readonly #records: Int32Array;
  readonly #output: Uint8Array;
  readonly #limits: AheadLimits;
  readonly #request: (start: number, size: number, task: number) => void;
  #task = 0;
  /** Bytes of the layer that the current task covers. */
  #from = 0;
  #to = 0;
  /** End of the last blocks that were used. */
  #lastUse = 0;
  #isOff = false;

  /** @param request Requests blocks: index in the ring, length, and number of the task. */
  constructor(
    ring: Uint8Array,
    { state, records }: AheadMemory,
    output: Uint8Array,
    request: (start: number, size: number, task: number) => void,
    limits = LIMITS,
  ) {
    this.#limits = limits;
    this.#ring = ring;
    this.#state = state;
    this.#records = records;
    this.#output = output;
    this.#request = request;
    state.fill(0);
  }

  get lead(): number {
    return this.#isOff ? 0 : this.#limits.lead;
  }

  get stepSize(): number {
    return this.#limits.stepSize;
  }

  inputBetween = (from: number, to: number): Uint8Array => {
    const index = from % this.#ring.length;
    return this.#ring.subarray(index, Math.min(index + to - from, this.#ring.length));
  };

  findStart(position: number, size: number, ratio: number): number | undefined {
    if (this.#isOff) return undefined;
    if (this.#count > 0) {
      const found = this.#from + (this.#records[1] as number);
      if (found >= position) return found;
      this.discard();
    } else if (position < this.#to && !this.#isFinished) return undefined;
    const { outputBefore, minSize, maxUselessSize } = this.#limits;
    this.#isOff = position - this.#lastUse > maxUselessSize;
    const distance = Math.max(minSize, Math.min(outputBefore / ratio, (size - position) / 2));
    // A candidate may have started in the last three bytes.
    const from = Math.max(position + Math.floor(distance), this.#to - 3);
    if (!this.#isOff && size - from >= minSize) this.#begin(from, size);
    return undefined;
  }

  *takeBlocks(): Generator<DecodedBlocks & { readonly start: number }, void, undefined> {
    const { inputBetween } = this;
    const memory = this.#output;
    for (let at = 0; at < this.#count; ) {
      const [kind = 0, offset = 0, , address = 0] = this.#record(at);
      // The rest of a member was decoded after the decoder took the blocks before it.
      if (kind !== start) return;
      const blocks: Iterable<DecodedBlock> = this.#blocksAfter(at, (next) => {
        at = next;
      });
      yield { start: this.#from + offset, blocks, memory, address, hasWindow: at > 0, inputBetween };
    }
  }

  *#blocksAfter(index: number, end: (next: number) => void): Generator<DecodedBlock, void, undefined> {
    let at = index + 1;
    for (; at < this.#count; at++) {
      const [kind = 0, offset = 0, bits = 0, outputEnd = 0] = this.#record(at);
      if (kind === start) break;
      const inputOffset = this.#from + offset;
      this.#lastUse = inputOffset;
      yield { inputOffset, bits, outputEnd, isLast: kind === lastBlock };
    }
    end(at);
  }

  discard(): void {
    this.#task += 1;
    this.#to = 0;
  }

  #begin(from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    this.#task += 1;
    this.#request(from % this.#ring.length, to - from, this.#task);
  }

  /** Number of records of the current task. */
  get #count(): number {
    return this.#isCurrent ? Atomics.load(this.#state, AHEAD_LAYOUT.count) : 0;
  }

  get #isFinished(): boolean {
    return this.#isCurrent && Atomics.load(this.#state, AHEAD_LAYOUT.isFinished) === 1;
  }

  get #isCurrent(): boolean {
    return Atomics.load(this.#state, AHEAD_LAYOUT.task) === this.#task;
  }

  #record(index: number): Int32Array {
    return this.#records.subarray(index * recordWords, (index + 1) * recordWords);
  }
}

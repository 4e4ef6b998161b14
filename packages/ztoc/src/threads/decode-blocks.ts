import type { Kernel } from '../inflate/inflater.ts';

/** Layout of what a {@link BlockDecoder} writes, and its limits. */
export const AHEAD_LAYOUT = {
  /** 32-bit words of a record: kind, bytes of input used since the start of the task, unused bits, address after the output. */
  recordWords: 4,
  /** Kind of a record: deflate blocks start here. */
  start: 0,
  /** A block ends here, and another one of the same member follows. */
  block: 1,
  /** The last block of a member ends here. */
  lastBlock: 2,
  /** Maximum number of records of a task. */
  maxRecords: 4096,
  /** Maximum number of bytes of output of a task. */
  outputSize: 6 << 20,
  /** Bytes of output, or of input that is searched, between two looks at the queue. */
  stepSize: 1 << 16,
  /** Positions in the state: the number of the task, the number of its records, and 1 when it is finished. */
  task: 0,
  count: 1,
  isFinished: 2,
} as const;

/** Memory that the decoding thread writes. */
export interface AheadMemory {
  /** See {@link AHEAD_LAYOUT}. */
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly records: Int32Array<SharedArrayBuffer>;
}

/** Creates the memory for the thread. */
export function createAheadMemory(): AheadMemory {
  const { recordWords, maxRecords } = AHEAD_LAYOUT;
  return {
    state: new Int32Array(new SharedArrayBuffer(4 * 3)),
    records: new Int32Array(new SharedArrayBuffer(4 * recordWords * maxRecords)),
  };
}

/** Decodes deflate blocks somewhere in a layer. */
export interface BlockDecoder {
  /** Memory of the kernel, with the output. */
  readonly memory: SharedArrayBuffer;
  /**
   * Starts a task, and forgets the one before.
   * @param start Index in the ring of the first byte that may be searched.
   * @param size Number of bytes that follow.
   */
  begin(memory: AheadMemory, ring: Uint8Array<SharedArrayBuffer>, task: number, start: number, size: number): void;
  /** Does a part of the task. @returns Whether there is more to do. */
  step(): boolean;
}

/**
 * Creates a decoder that finds a point of a layer at which no earlier output is needed, and decodes from there. It runs from its
 * source text, and therefore uses nothing outside of this function.
 *
 * Such a point is the start of a gzip member, or follows an empty stored block: compressors write one (a flush) where they
 * restart. It only looks like one: the user of the records has to check that a block starts there. Nothing else has to be
 * checked. A record is written for complete blocks only, and any header, trailer or block that is not understood ends the task.
 */
export function createBlockDecoder(module: WebAssembly.Module, layout: typeof AHEAD_LAYOUT): BlockDecoder {
  const kernel = new WebAssembly.Instance(module).exports as unknown as Kernel;
  const input = kernel.inputAddress();
  const inputLimit = input + kernel.inputCapacity();
  const output = kernel.outputAddress();
  const outputLimit = output + layout.outputSize;
  kernel.memory.grow(Math.ceil((outputLimit + layout.stepSize - kernel.memory.buffer.byteLength) / 65_536));
  const memory = new Uint8Array(kernel.memory.buffer);
  const MEMBER = Buffer.from([0x1f, 0x8b, 8]);
  const FLUSH = Buffer.from([0, 0, 0xff, 0xff]);

  let shared: AheadMemory;
  let ring: Uint8Array<SharedArrayBuffer>;
  let start = 0;
  let size = 0;
  /** Bytes of the task that were searched, and that were loaded into the kernel. */
  let searched = 0;
  let loaded = 0;
  let count = 0;
  let isDecoding = false;
  /** Where the blocks of the current member start, until their record is written. */
  let pendingStart = -1;
  let blockStart = output;

  const inputAddress = () => kernel.inputPosition.value - (kernel.bitCount.value >> 3);
  const inputOffset = () => loaded - (kernel.inputEnd.value - inputAddress());

  /** Adds input. @returns Whether there was any. */
  const load = () => {
    const from = (start + loaded) % ring.length;
    const used = inputAddress();
    const left = kernel.inputEnd.value - used;
    // Aligned like the source, because V8 copies to shared memory by bytes otherwise.
    const target = input + ((from - left) & 7);
    const added = Math.min(size - loaded, inputLimit - target - left, ring.length - from);
    if (added <= 0) return false;
    memory.copyWithin(target, used, used + left);
    memory.set(ring.subarray(from, from + added), target + left);
    kernel.inputPosition.value += target - used;
    kernel.inputEnd.value = target + left + added;
    loaded += added;
    return true;
  };

  /** Skips the header of a member, after `skipped` bytes. @returns Whether it is a complete and usual one. */
  const skipHeader = (skipped: number) => {
    while (kernel.inputEnd.value - kernel.inputPosition.value < 1024 && load()) {}
    const end = kernel.inputEnd.value;
    let at = kernel.inputPosition.value + skipped;
    const flags = memory[at + 3] as number;
    if (at + 10 > end || memory[at] !== 0x1f || memory[at + 1] !== 0x8b || memory[at + 2] !== 8 || flags & 0xe0)
      return false;
    at += 10;
    if (flags & 4) at += 2 + (memory[at] as number) + (memory[at + 1] as number) * 256;
    for (const flag of [8, 16]) {
      if (!(flags & flag)) continue;
      at = memory.indexOf(0, at) + 1;
      if (at === 0) return false;
    }
    if (flags & 2) at += 2;
    if (at > end) return false;
    kernel.inputPosition.value = at;
    pendingStart = inputOffset();
    kernel.beginMember();
    return true;
  };

  const write = (kind: number, offset: number, bits: number) => {
    shared.records.set([kind, offset, bits, kernel.outputPosition.value], count * layout.recordWords);
    count += 1;
  };

  /** Writes the record of a block, and before the first one of a member that of the start. */
  const writeBlock = (kind: number) => {
    if (pendingStart >= 0) {
      shared.records.set([layout.start, pendingStart, 0, blockStart], count * layout.recordWords);
      count += 1;
      pendingStart = -1;
    }
    write(kind, inputOffset(), kernel.bitCount.value & 7);
    Atomics.store(shared.state, layout.count, count);
  };

  /** Searches the next bytes. @returns Whether there are more. */
  const search = () => {
    const from = (start + searched) % ring.length;
    const length = Math.min(size - searched, layout.stepSize, ring.length - from);
    if (length < 4) {
      searched += length;
      return searched < size;
    }
    const bytes = Buffer.from(ring.buffer, from, length);
    const member = bytes.indexOf(MEMBER);
    const flush = (member < 0 ? bytes : bytes.subarray(0, member)).indexOf(FLUSH);
    if (member < 0 && flush < 0) {
      // The rest may be the start of a candidate.
      searched += length - 3;
      return true;
    }
    kernel.reset();
    if (flush < 0) {
      loaded = searched + member;
      searched = loaded + 3;
      isDecoding = skipHeader(0);
    } else {
      loaded = searched + flush + 4;
      searched = loaded;
      pendingStart = loaded;
      kernel.beginMember();
      isDecoding = true;
    }
    blockStart = output;
    return true;
  };

  /** Decodes some output. @returns Whether there is more to do. */
  const decode = () => {
    const limit = Math.min(kernel.outputPosition.value + layout.stepSize, outputLimit);
    kernel.outputLimit.value = limit;
    kernel.boundaryAfter.value = -1;
    while (count + 2 <= layout.maxRecords) {
      const status = kernel.run();
      if (status === 0) {
        if (!load()) return false;
      } else if (status === 1) {
        return limit < outputLimit;
      } else if (status === 2) {
        // Before the first block of a member, nothing was decoded.
        if (pendingStart !== inputOffset() || kernel.bitCount.value !== 0) writeBlock(layout.block);
      } else if (status === 3) {
        kernel.unloadBytes();
        writeBlock(layout.lastBlock);
        blockStart = kernel.outputPosition.value;
        if (!skipHeader(8)) return false;
      } else if (count > 0) {
        return false;
      } else {
        isDecoding = false;
        return true;
      }
    }
    return false;
  };

  return {
    memory: kernel.memory.buffer as unknown as SharedArrayBuffer,
    begin(nextMemory, nextRing, task, nextStart, nextSize) {
      shared = nextMemory;
      ring = nextRing;
      start = nextStart;
      size = nextSize;
      searched = 0;
      count = 0;
      isDecoding = false;
      Atomics.store(shared.state, layout.count, 0);
      Atomics.store(shared.state, layout.isFinished, 0);
      Atomics.store(shared.state, layout.task, task);
    },
    step() {
      const hasMore = isDecoding ? decode() : search();
      if (!hasMore) Atomics.store(shared.state, layout.isFinished, 1);
      return hasMore;
    },
  };
}

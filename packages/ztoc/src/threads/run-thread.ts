import type { Kernel } from '../inflate/inflater.ts';
import type { THREAD_LAYOUT, ThreadMemory, ThreadSizes } from './thread-memory.ts';

/** What the thread receives when it starts. It answers with its {@link ThreadMemory}. */
export interface ThreadStart {
  /** The inflate kernel, with a shared memory. */
  readonly kernel: WebAssembly.Module;
  readonly layout: typeof THREAD_LAYOUT;
  readonly sizes: ThreadSizes;
}

/**
 * Code of the thread: inflates or hashes layers, one after the other. It runs from its source text, so that bundles need no second
 * file. It therefore uses nothing outside of this function.
 *
 * @param require Loads modules of Node.js.
 */
export function runThread(require: NodeJS.Require): void {
  const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  const { crc32 } = require('node:zlib') as typeof import('node:zlib');

  const { kernel: module, layout, sizes } = workerData as ThreadStart;
  const PAGE_SIZE = 65_536;
  const MAX_RECORDS_OF_STEP = 2;
  const kernel = new WebAssembly.Instance(module).exports as unknown as Kernel;
  const output = kernel.outputAddress();
  const partSize = kernel.outputPartSize();
  // The end of the last match of a part is after it.
  const ring = output + sizes.outputParts * partSize + PAGE_SIZE + layout.ringMargin;
  const ringEnd = ring + sizes.ring;
  kernel.memory.grow(Math.ceil((ringEnd - kernel.memory.buffer.byteLength) / PAGE_SIZE));
  const buffer = kernel.memory.buffer as unknown as SharedArrayBuffer;
  const memory = new Uint8Array(buffer);
  const control = new Int32Array(new SharedArrayBuffer(4 * layout.controlWords));
  const records = new Int32Array(new SharedArrayBuffer(4 * layout.recordWords * sizes.records));
  const digest = new Uint8Array(new SharedArrayBuffer(32));

  const notify = () => {
    Atomics.add(control, layout.toCaller, 1);
    Atomics.notify(control, layout.toCaller);
  };
  /** Waits until the caller sends another signal than `signal`. */
  const wait = (signal: number) => {
    notify();
    Atomics.wait(control, layout.toThread, signal);
  };
  const addressOf = (offset: number) => ring + (offset & (sizes.ring - 1));

  const hashLayer = () => {
    const hash = createHash('sha256');
    let hashed = 0;
    while (true) {
      const signal = Atomics.load(control, layout.toThread);
      const isLast = Atomics.load(control, layout.isEnded) === 1;
      const waiting = (Atomics.load(control, layout.fed) - hashed) | 0;
      if (waiting === 0) {
        if (isLast) break;
        wait(signal);
        continue;
      }
      const address = addressOf(hashed);
      const size = Math.min(waiting, ringEnd - address);
      hash.update(memory.subarray(address, address + size));
      hashed = (hashed + size) | 0;
      Atomics.store(control, layout.hashed, hashed);
      notify();
    }
    digest.set(hash.digest());
  };

  const inflateLayer = () => {
    /** Deflate streams so far, and whether one is being decoded. */
    let streams = 0;
    let isDecoding = false;
    /** Offset of the header of the next gzip member, while it is read. */
    let header: number | undefined;
    /** Bytes of the layer that the kernel has received. */
    let loaded = 0;
    /** Bytes of output, up to the start of the current part of the buffer, and the number of that part. */
    let outputBefore = 0;
    let part = 0;
    /** Whether the part is full. */
    let isFull = false;
    /** Addresses up to which output is in the CRC, and in a record. */
    let summed = output;
    let reported = output;
    let written = 0;
    kernel.reset();

    const inputAddress = () => kernel.inputPosition.value - (kernel.bitCount.value >> 3);
    const inputOffset = () => (loaded - (kernel.inputEnd.value - inputAddress())) | 0;

    const write = (kind: number, value = 0) => {
      const at = (written % sizes.records) * layout.recordWords;
      records[at] = kind;
      records[at + 1] = inputOffset();
      records[at + 2] = kernel.bitCount.value & 7;
      records[at + 3] = kernel.outputPosition.value;
      records[at + 4] = value;
      written += 1;
      reported = kernel.outputPosition.value;
      Atomics.store(control, layout.recordsWritten, written | 0);
    };

    const sum = () => {
      kernel.addToCrc(summed, kernel.outputPosition.value);
      summed = kernel.outputPosition.value;
    };

    const begin = (offset: number) => {
      loaded = offset;
      kernel.inputPosition.value = addressOf(offset);
      kernel.inputEnd.value = addressOf(offset);
      kernel.bitBuffer.value = 0n;
      kernel.bitCount.value = 0;
      kernel.beginMember();
      summed = kernel.outputPosition.value;
      isDecoding = true;
    };

    /** Gives the kernel more input. @returns Whether there is any. */
    const load = () => {
      const waiting = (Atomics.load(control, layout.fed) - loaded) | 0;
      if (waiting === 0) return false;
      if (kernel.inputEnd.value === ringEnd) {
        // What is not used yet moves before the start of the ring.
        const used = inputAddress();
        memory.copyWithin(ring - (ringEnd - used), used, ringEnd);
        kernel.inputPosition.value -= sizes.ring;
        kernel.inputEnd.value = ring;
      }
      const size = Math.min(waiting, ringEnd - kernel.inputEnd.value);
      kernel.inputEnd.value += size;
      loaded = (loaded + size) | 0;
      return true;
    };

    /** Continues with the next part of the output buffer. @returns Whether the caller has read enough to overwrite it. */
    const makeRoom = () => {
      const unread = (outputBefore + partSize - Atomics.load(control, layout.outputRead)) | 0;
      if (unread > (sizes.outputParts - 2) * partSize) return false;
      part += 1;
      outputBefore += partSize;
      if (part < sizes.outputParts) {
        kernel.outputLimit.value += partSize;
        return true;
      }
      outputBefore += kernel.outputPosition.value - kernel.outputLimit.value;
      part = 0;
      kernel.slide();
      write(layout.slide);
      summed = kernel.outputPosition.value;
      return true;
    };

    /**
     * Skips the trailer of a gzip member and the header of the next one, and starts to decode it (RFC 1952, 2.3).
     * @returns Whether it has read all bytes for that.
     */
    const skipHeader = (start: number) => {
      const size = (Atomics.load(control, layout.fed) - start) | 0;
      const byte = (at: number) => memory[addressOf(start + at)] as number;
      const stop = () => {
        header = undefined;
        write(layout.stop);
        notify();
        return true;
      };
      const isTooLong = (at: number) => at > layout.maxHeaderSize;
      // The calling thread also accepts the header of zlib, which is shorter.
      if (size < 2) return false;
      if (byte(0) !== 0x1f || byte(1) !== 0x8b) return stop();
      if (size < 10) return false;
      const flags = byte(3);
      if (byte(2) !== 8 || flags & 0xe0) return stop();
      let at = 10;
      if (flags & 4) {
        if (size < at + 2) return false;
        at += 2 + byte(at) + byte(at + 1) * 256;
      }
      for (const flag of [8, 16]) {
        if (!(flags & flag)) continue;
        while (at < size && !isTooLong(at) && byte(at) !== 0) at += 1;
        at += 1;
      }
      if (flags & 2) at += 2;
      if (isTooLong(at)) return stop();
      if (at > size) return false;
      header = undefined;
      begin((start + at) | 0);
      write(layout.start);
      return true;
    };

    /** Decodes up to the next record. @returns Whether it can continue without the caller. */
    const step = () => {
      if (((written - Atomics.load(control, layout.recordsRead)) | 0) > sizes.records - MAX_RECORDS_OF_STEP)
        return false;
      if (header !== undefined) return skipHeader(header);
      if (!isDecoding) return false;
      if (isFull && !makeRoom()) return false;
      isFull = false;
      const status = kernel.run();
      if (status === 0) {
        if (load()) return true;
        if (reported !== kernel.outputPosition.value) write(layout.output);
        Atomics.store(control, layout.starvedAt, loaded);
        return false;
      }
      if (status === 2) {
        write(layout.boundary);
        return true;
      }
      if (status === 1) {
        sum();
        isFull = true;
        write(layout.output);
        notify();
        return true;
      }
      isDecoding = false;
      if (status < 0) {
        write(layout.fault, -status - 1);
      } else {
        sum();
        kernel.unloadBytes();
        const start = kernel.finishCrc();
        write(layout.end, crc32(memory.subarray(start, start + kernel.foldedSize()), 0xffffffff));
        // The caller reads the trailer and the header, too.
        if (control[layout.isGzip] === 1) header = (inputOffset() + 8) | 0;
      }
      return true;
    };

    while (Atomics.load(control, layout.isEnded) === 0) {
      const signal = Atomics.load(control, layout.toThread);
      if (Atomics.load(control, layout.streams) !== streams) {
        streams += 1;
        header = undefined;
        begin(control[layout.streamStart] as number);
      } else if (!step()) wait(signal);
    }
  };

  parentPort?.postMessage({ control, records, kernel: buffer, ring, output, digest } satisfies ThreadMemory);
  while (true) {
    const signal = Atomics.load(control, layout.toThread);
    const task = Atomics.load(control, layout.task);
    if (task === layout.idle) {
      if (Atomics.load(control, layout.isClosing) === 1) break;
      wait(signal);
      continue;
    }
    try {
      if (task === layout.hash) hashLayer();
      else inflateLayer();
    } catch (error) {
      Atomics.store(control, layout.hasFailed, 1);
      notify();
      throw error;
    }
    Atomics.store(control, layout.task, layout.idle);
  }
}

import { crc32 } from '../hashes.ts';
import { KERNEL_BASE64, KERNEL_MEMORY_FLAGS } from './kernel.generated.ts';

/** Exports of the kernel: its state as globals, and its functions (assembly/inflate.ts). */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly inputPosition: WebAssembly.Global<'i32'>;
  readonly inputEnd: WebAssembly.Global<'i32'>;
  readonly outputPosition: WebAssembly.Global<'i32'>;
  readonly outputLimit: WebAssembly.Global<'i32'>;
  readonly outputFloor: WebAssembly.Global<'i32'>;
  readonly boundaryAfter: WebAssembly.Global<'i32'>;
  readonly bitBuffer: WebAssembly.Global<'i64'>;
  readonly bitCount: WebAssembly.Global<'i32'>;
  readonly mode: WebAssembly.Global<'i32'>;
  inputAddress(): number;
  inputCapacity(): number;
  outputAddress(): number;
  outputPartSize(): number;
  foldedSize(): number;
  reset(): void;
  beginMember(): void;
  unloadBytes(): void;
  slide(): void;
  run(): number;
  addToCrc(start: number, end: number): void;
  finishCrc(): number;
}

/** Seed for the CRC-32 of a message whose initial value is 0. Gzip's is its complement. */
const ZERO_CRC = 0xffffffff;

/** Reason why {@link Inflater.run} returned: what it needs, where it stopped, or what is wrong with the data. */
export type InflateStatus = 'need-input' | 'need-output' | 'at-boundary' | 'at-end' | { readonly fault: string };

/** Return values of the kernel from 0 up, and its errors from -1 down, with zlib's messages where they exist. */
const STATUSES: readonly InflateStatus[] = ['need-input', 'need-output', 'at-boundary', 'at-end'];
const FAULTS: readonly InflateStatus[] = [
  'invalid block type',
  'the lengths of a stored block do not match',
  'too many length or distance symbols',
  'invalid code lengths',
  'invalid code length repeat',
  'the code for the end of the block is missing',
  'invalid literal/length codes',
  'invalid distance codes',
  'invalid literal/length code',
  'invalid distance code',
  'a distance reaches back too far',
].map((fault) => ({ fault }));

/** Value of the kernel's `mode` before a block header whose boundary has been reported. */
const MODE_HEADER = 1;

const NEVER = 0x7fffffff;
const HISTORY_SIZE = 32_768;

/** A position in both streams, and the 32 KiB of output before it. */
interface GzipPoint {
  readonly inputOffset: number;
  readonly outputOffset: number;
  readonly bits: number;
  readonly window: Uint8Array;
}

/** Another thread that reads the output while the next output is written. */
export interface OutputReader {
  /**
   * Receives the memory of the inflater, the address of the output buffer in it, and the size of a part of that buffer.
   * Called once, before there is output.
   */
  attach(memory: SharedArrayBuffer, address: number, partSize: number): void;
  /**
   * Waits until the thread has read everything in a part of the output buffer. The number `OUTPUT_PARTS` means the
   * bytes after the last part.
   */
  waitForPart(part: number): void;
}

/** Number of parts of the output buffer if another thread reads it. That thread may be two parts behind. */
export const OUTPUT_PARTS = 4;

/** Bytes after the last part, for the end of a match. A page of WebAssembly. */
const PAGE_SIZE = 1 << 16;

/** Compiled kernels, and unused ones, which are kept because a new one costs half a millisecond and gigabytes of address space. */
class KernelPool {
  readonly #memoryFlags: number;
  readonly #parts: number;
  readonly #idle: Kernel[] = [];
  #module: WebAssembly.Module | undefined;

  constructor(memoryFlags: number, parts: number) {
    this.#memoryFlags = memoryFlags;
    this.#parts = parts;
  }

  get module(): WebAssembly.Module {
    this.#module ??= this.#compile();
    return this.#module;
  }

  acquire(): Kernel {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      idle.reset();
      return idle;
    }
    const kernel = new WebAssembly.Instance(this.module).exports as unknown as Kernel;
    const size = kernel.outputAddress() + this.#parts * kernel.outputPartSize() + PAGE_SIZE;
    kernel.memory.grow((size - kernel.memory.buffer.byteLength) / PAGE_SIZE);
    return kernel;
  }

  release(kernel: Kernel): void {
    if (this.#idle.length < MAX_IDLE_KERNELS) this.#idle.push(kernel);
  }

  #compile(): WebAssembly.Module {
    const bytes = Uint8Array.from(atob(KERNEL_BASE64), (char) => char.charCodeAt(0));
    bytes[KERNEL_MEMORY_FLAGS] = this.#memoryFlags;
    return new WebAssembly.Module(bytes);
  }
}

const MAX_IDLE_KERNELS = 4;
const privateKernels = /* @__PURE__ */ new KernelPool(1, 1);
const sharedKernels = /* @__PURE__ */ new KernelPool(3, OUTPUT_PARTS);

/** Returns the kernel with a shared memory, for another thread. Its memory has room for one part of the output. */
export function sharedKernelModule(): WebAssembly.Module {
  return sharedKernels.module;
}

/**
 * A deflate decoder (RFC 1951) that can stop before any block header, resume there, and stop at any byte of input or
 * output. It wraps the WebAssembly kernel, which buffers 128 KiB of input and 256 KiB of output. If
 * another thread reads the output, it buffers `OUTPUT_PARTS` times as much.
 *
 * Usage: {@link feed} input, call {@link run} until it needs more, {@link takeOutput} when it needs room, and
 * {@link close} at the end.
 */
export class Inflater {
  readonly #reader: OutputReader | undefined;
  readonly #kernels: KernelPool;
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  readonly #input: number;
  readonly #inputLimit: number;
  readonly #output: number;
  readonly #partSize: number;
  /** The part of the output buffer that is being filled. */
  #part = 0;
  /** Offset in the compressed stream of the first byte of the input buffer. */
  #inputBase = 0;
  /** Offset in the decompressed stream of the first byte of the output buffer. */
  #outputBase = 0;
  /** Address up to which the output has been taken. */
  #taken: number;
  #boundaryOffset = -1;
  #closed = false;

  /** @param reader Another thread that reads the output. @default none, only this thread reads it */
  constructor(reader?: OutputReader) {
    this.#reader = reader;
    this.#kernels = reader === undefined ? privateKernels : sharedKernels;
    this.#kernel = this.#kernels.acquire();
    const { memory } = this.#kernel;
    this.#memory = new Uint8Array(memory.buffer);
    this.#input = this.#kernel.inputAddress();
    this.#inputLimit = this.#input + this.#kernel.inputCapacity();
    this.#output = this.#kernel.outputAddress();
    this.#partSize = this.#kernel.outputPartSize();
    this.#taken = this.#output;
    reader?.attach(memory.buffer as unknown as SharedArrayBuffer, this.#output, this.#partSize);
  }

  /** Bytes of the compressed stream consumed, including a partly used one. */
  get inputOffset(): number {
    return this.#inputBase + this.#inputAddressUsed() - this.#input;
  }

  /** Unused bits (0 to 7) of the last consumed byte. */
  get unusedBits(): number {
    return this.#kernel.bitCount.value & 7;
  }

  /** Bytes decompressed so far. */
  get outputOffset(): number {
    return this.#outputBase + this.#kernel.outputPosition.value - this.#output;
  }

  /** Input that is not consumed yet. Valid until the next {@link feed}. */
  get pendingInput(): Uint8Array {
    return this.#memory.subarray(this.#inputAddressUsed(), this.#kernel.inputEnd.value);
  }

  /**
   * Copies as many of `bytes` from `start` as fit into the input buffer.
   * @param keepFrom Offset in the compressed stream from which {@link inputBetween} must still find the bytes.
   * @returns Number of bytes copied; at least one unless none were given.
   */
  feed(bytes: Uint8Array, start: number, keepFrom: number): number {
    const { inputPosition, inputEnd } = this.#kernel;
    const kept = Math.min(this.#input + Math.max(0, keepFrom - this.#inputBase), this.#inputAddressUsed());
    // V8 copies to shared memory by bytes, at a sixth of the speed, unless source and target are aligned equally.
    const target = this.#input + ((bytes.byteOffset + start - (inputEnd.value - kept)) & 7);
    const moved = kept - target;
    if (moved !== 0) this.#memory.copyWithin(target, kept, inputEnd.value);
    this.#inputBase += moved;
    inputPosition.value -= moved;
    inputEnd.value -= moved;
    const count = Math.min(bytes.length - start, this.#inputLimit - inputEnd.value);
    this.#memory.set(count === bytes.length ? bytes : bytes.subarray(start, start + count), inputEnd.value);
    inputEnd.value += count;
    return count;
  }

  /**
   * Returns bytes of the compressed stream between two offsets that are still buffered. Valid until the next {@link
   * feed}.
   */
  inputBetween(from: number, to: number): Uint8Array {
    const origin = this.#input - this.#inputBase;
    return this.#memory.subarray(origin + from, origin + to);
  }

  /** Skips `count` bytes of input between two members. */
  skipInput(count: number): void {
    this.#kernel.inputPosition.value += count;
  }

  /** Starts a deflate stream at the next byte of input. */
  beginMember(): void {
    this.#kernel.beginMember();
  }

  /**
   * Starts in the middle of a deflate stream, before a block header.
   * @param window The 32 KiB of output before it.
   * @param partByte The byte whose last `bits` bits come first; ignored if `bits` is 0.
   */
  beginAt(window: Uint8Array, bits: number, partByte: number): void {
    this.#memory.set(window, this.#output - HISTORY_SIZE);
    this.#kernel.beginMember();
    this.#kernel.outputFloor.value = this.#output - HISTORY_SIZE;
    this.#kernel.bitBuffer.value = BigInt(bits === 0 ? 0 : partByte >> (8 - bits));
    this.#kernel.bitCount.value = bits;
  }

  /** Whether all input is used, up to a block header that starts with the next byte. */
  get isBetweenBlocks(): boolean {
    const { mode, bitCount, inputPosition, inputEnd } = this.#kernel;
    return mode.value === MODE_HEADER && bitCount.value === 0 && inputPosition.value === inputEnd.value;
  }

  /**
   * Continues after blocks that were decoded elsewhere, before a block header or after the end of a deflate stream. All output
   * must have been taken, and all input used.
   * @param point Where to continue. The window is copied.
   * @param lastByte The byte before that point. Its last `bits` bits come first.
   * @param memberSize Bytes of output of the current member so far: matches cannot refer to earlier output.
   */
  continueAt(point: GzipPoint, lastByte: number, memberSize: number): void {
    this.#reader?.waitForPart(0);
    this.#reader?.waitForPart(1);
    const kernel = this.#kernel;
    // Aligned like the window, because V8 copies to shared memory by bytes otherwise.
    const output = this.#output + ((point.window.byteOffset - this.#output) & 7);
    this.#memory.set(point.window, output - HISTORY_SIZE);
    kernel.beginMember();
    kernel.mode.value = MODE_HEADER;
    kernel.outputPosition.value = output;
    kernel.outputLimit.value = this.#output + this.#partSize;
    kernel.outputFloor.value = output - Math.min(memberSize, HISTORY_SIZE);
    this.#part = 0;
    this.#taken = output;
    this.#outputBase = point.outputOffset - (output - this.#output);
    this.#memory[this.#input] = lastByte;
    kernel.inputPosition.value = this.#input + 1;
    kernel.inputEnd.value = this.#input + 1;
    this.#inputBase = point.inputOffset - 1;
    kernel.bitBuffer.value = BigInt(point.bits === 0 ? 0 : lastByte >> (8 - point.bits));
    kernel.bitCount.value = point.bits;
    this.stopAfter(this.#boundaryOffset);
  }

  /** After `at-end`: returns unused whole bytes to the input, which continues after the deflate stream. */
  endMember(): void {
    this.#kernel.unloadBytes();
  }

  /** Makes {@link run} return `at-boundary` before every block header after more than `offset` bytes of output. */
  stopAfter(offset: number): void {
    this.#boundaryOffset = offset;
    this.#kernel.boundaryAfter.value = Math.min(offset - this.#outputBase + this.#output, NEVER);
  }

  /** Decodes until it needs input or output space, or reaches a boundary or the end of the deflate stream. */
  run(): InflateStatus {
    const code = this.#kernel.run();
    return (code >= 0 ? STATUSES[code] : FAULTS[-code - 1]) as InflateStatus;
  }

  /**
   * Returns the output since the last call, as a view of the kernel's memory that is valid until the next {@link run}.
   */
  takeOutput(): Uint8Array {
    const { outputPosition } = this.#kernel;
    const end = outputPosition.value;
    const taken = this.#memory.subarray(this.#taken, end);
    this.#taken = end;
    return taken;
  }

  /** Adds output of {@link takeOutput} to the CRC-32 of the current deflate stream, four times as fast as node:zlib. */
  addToCrc(output: Uint8Array): void {
    this.#kernel.addToCrc(output.byteOffset, output.byteOffset + output.length);
  }

  /** Returns the CRC-32 of the output that was added. Add no more until the next stream begins. */
  finishCrc(): number {
    const start = this.#kernel.finishCrc();
    return crc32(this.#memory.subarray(start, start + this.#kernel.foldedSize()), ZERO_CRC);
  }

  /** Frees output space after all output was taken. Earlier views of the output become invalid. */
  makeRoom(): void {
    const { outputPosition, outputLimit } = this.#kernel;
    if (outputPosition.value < outputLimit.value) return;
    if (this.#reader !== undefined && this.#part + 1 < OUTPUT_PARTS) {
      this.#part += 1;
      outputLimit.value += this.#partSize;
      // The end of the last match of a part is in the next one.
      this.#reader.waitForPart(this.#part + 1);
      return;
    }
    this.#reader?.waitForPart(0);
    this.#reader?.waitForPart(1);
    this.#part = 0;
    const freed = outputPosition.value - this.#output;
    this.#kernel.slide();
    this.#outputBase += freed;
    this.#taken = this.#output;
    this.stopAfter(this.#boundaryOffset);
  }

  /** The last 32 KiB of output, padded with zeros at the start, as a view that is valid until the next {@link run}. */
  get window(): Uint8Array {
    const end = this.#kernel.outputPosition.value;
    return this.#memory.subarray(end - HISTORY_SIZE, end);
  }

  /** Releases the kernel for the next inflater. Use neither this object nor its views afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kernels.release(this.#kernel);
  }

  #inputAddressUsed(): number {
    return this.#kernel.inputPosition.value - (this.#kernel.bitCount.value >> 3);
  }
}

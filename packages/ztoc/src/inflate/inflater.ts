import { crc32 } from '../hashes.ts';
import type { DeflateStream } from './deflate-stream.ts';
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

/** Reason why {@link DeflateStream.run} returned: what it needs, where it stopped, or what is wrong with the data. */
export type InflateStatus = 'need-input' | 'need-output' | 'at-boundary' | 'at-end' | { readonly fault: string };

/** Return values of the kernel from 0 up. */
const STATUSES: readonly InflateStatus[] = ['need-input', 'need-output', 'at-boundary', 'at-end'];
/** Errors of the kernel, from -1 down, with zlib's messages where they exist. */
export const FAULTS: readonly InflateStatus[] = [
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

const NEVER = 0x7fffffff;
const HISTORY_SIZE = 32_768;

const MAX_IDLE_KERNELS = 4;

/** Unused kernels, which are kept because a new one costs half a millisecond and gigabytes of address space. */
const idleKernels: Kernel[] = [];

/** Compiled kernels with a private memory and with a shared one. */
const modules: { private?: WebAssembly.Module; shared?: WebAssembly.Module } = {};

function compileKernel(memoryFlags: number): WebAssembly.Module {
  const bytes = Uint8Array.from(atob(KERNEL_BASE64), (char) => char.charCodeAt(0));
  bytes[KERNEL_MEMORY_FLAGS] = memoryFlags;
  return new WebAssembly.Module(bytes);
}

/** Returns the kernel with a shared memory, for another thread. Its memory has room for one part of the output. */
export function sharedKernelModule(): WebAssembly.Module {
  modules.shared ??= compileKernel(3);
  return modules.shared;
}

function acquireKernel(): Kernel {
  const idle = idleKernels.pop();
  if (idle !== undefined) {
    idle.reset();
    return idle;
  }
  modules.private ??= compileKernel(1);
  return new WebAssembly.Instance(modules.private).exports as unknown as Kernel;
}

/**
 * A deflate decoder (RFC 1951) that can stop before any block header, resume there, and stop at any byte of input or
 * output. It wraps the WebAssembly kernel, which buffers 128 KiB of input and 256 KiB of output.
 *
 * Usage: {@link feed} input, call {@link run} until it needs more, {@link takeOutput} when it needs room, and
 * {@link close} at the end.
 */
export class Inflater implements DeflateStream {
  readonly #kernel = acquireKernel();
  readonly #memory: Uint8Array;
  readonly #input: number;
  readonly #inputLimit: number;
  readonly #output: number;
  /** Offset in the compressed stream of the first byte of the input buffer. */
  #inputBase = 0;
  /** Offset in the decompressed stream of the first byte of the output buffer. */
  #outputBase = 0;
  /** Address up to which the output has been taken. */
  #taken: number;
  #boundaryOffset = -1;
  #closed = false;

  constructor() {
    const { memory } = this.#kernel;
    this.#memory = new Uint8Array(memory.buffer);
    this.#input = this.#kernel.inputAddress();
    this.#inputLimit = this.#input + this.#kernel.inputCapacity();
    this.#output = this.#kernel.outputAddress();
    this.#taken = this.#output;
  }

  get inputOffset(): number {
    return this.#inputBase + this.#inputAddressUsed() - this.#input;
  }

  get unusedBits(): number {
    return this.#kernel.bitCount.value & 7;
  }

  get outputOffset(): number {
    return this.#outputBase + this.#kernel.outputPosition.value - this.#output;
  }

  get pendingInput(): Uint8Array {
    return this.#memory.subarray(this.#inputAddressUsed(), this.#kernel.inputEnd.value);
  }

  get isBehind(): boolean {
    return false;
  }

  feed(bytes: Uint8Array, start: number, keepFrom: number): number {
    const { inputPosition, inputEnd } = this.#kernel;
    const kept = Math.min(this.#input + Math.max(0, keepFrom - this.#inputBase), this.#inputAddressUsed());
    const moved = kept - this.#input;
    if (moved !== 0) this.#memory.copyWithin(this.#input, kept, inputEnd.value);
    this.#inputBase += moved;
    inputPosition.value -= moved;
    inputEnd.value -= moved;
    const count = Math.min(bytes.length - start, this.#inputLimit - inputEnd.value);
    this.#memory.set(count === bytes.length ? bytes : bytes.subarray(start, start + count), inputEnd.value);
    inputEnd.value += count;
    return count;
  }

  inputBetween(from: number, to: number): Uint8Array {
    const origin = this.#input - this.#inputBase;
    return this.#memory.subarray(origin + from, origin + to);
  }

  skipInput(count: number): void {
    this.#kernel.inputPosition.value += count;
  }

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

  endMember(): void {
    this.#kernel.unloadBytes();
  }

  stopAfter(offset: number): void {
    this.#boundaryOffset = offset;
    this.#kernel.boundaryAfter.value = Math.min(offset - this.#outputBase + this.#output, NEVER);
  }

  run(): InflateStatus {
    const code = this.#kernel.run();
    return (code >= 0 ? STATUSES[code] : FAULTS[-code - 1]) as InflateStatus;
  }

  takeOutput(): Uint8Array {
    const { outputPosition } = this.#kernel;
    const end = outputPosition.value;
    const taken = this.#memory.subarray(this.#taken, end);
    this.#taken = end;
    return taken;
  }

  /** Four times as fast as node:zlib. */
  addToCrc(output: Uint8Array): void {
    this.#kernel.addToCrc(output.byteOffset, output.byteOffset + output.length);
  }

  finishCrc(): number {
    const start = this.#kernel.finishCrc();
    return crc32(this.#memory.subarray(start, start + this.#kernel.foldedSize()), ZERO_CRC);
  }

  makeRoom(): void {
    const { outputPosition, outputLimit } = this.#kernel;
    if (outputPosition.value < outputLimit.value) return;
    this.#outputBase += outputPosition.value - this.#output;
    this.#kernel.slide();
    this.#taken = this.#output;
    this.stopAfter(this.#boundaryOffset);
  }

  get window(): Uint8Array {
    const end = this.#kernel.outputPosition.value;
    return this.#memory.subarray(end - HISTORY_SIZE, end);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (idleKernels.length < MAX_IDLE_KERNELS) idleKernels.push(this.#kernel);
  }

  #inputAddressUsed(): number {
    return this.#kernel.inputPosition.value - (this.#kernel.bitCount.value >> 3);
  }
}

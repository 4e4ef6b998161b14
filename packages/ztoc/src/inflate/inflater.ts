import { KERNEL_BASE64 } from './kernel.generated.ts';

/** Exports of the kernel: its state as globals, and its functions (assembly/inflate.ts). */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly inputPosition: WebAssembly.Global<'i32'>;
  readonly inputEnd: WebAssembly.Global<'i32'>;
  readonly outputPosition: WebAssembly.Global<'i32'>;
  readonly outputFloor: WebAssembly.Global<'i32'>;
  readonly boundaryAfter: WebAssembly.Global<'i32'>;
  readonly bitBuffer: WebAssembly.Global<'i64'>;
  readonly bitCount: WebAssembly.Global<'i32'>;
  inputAddress(): number;
  inputCapacity(): number;
  outputAddress(): number;
  outputCapacity(): number;
  reset(): void;
  beginMember(): void;
  unloadBytes(): void;
  slide(): void;
  run(): number;
}

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

const NEVER = 0x7fffffff;
const HISTORY_SIZE = 32_768;

let kernelModule: WebAssembly.Module | undefined;

/** Unused kernels, kept because a new one costs half a millisecond and gigabytes of address space. */
const idleKernels: Kernel[] = [];
const MAX_IDLE_KERNELS = 4;

function acquireKernel(): Kernel {
  const idle = idleKernels.pop();
  if (idle !== undefined) {
    idle.reset();
    return idle;
  }
  kernelModule ??= new WebAssembly.Module(Uint8Array.from(atob(KERNEL_BASE64), (char) => char.charCodeAt(0)));
  return new WebAssembly.Instance(kernelModule).exports as unknown as Kernel;
}

/**
 * A deflate decoder (RFC 1951) that can stop before any block header, resume there, and stop at any byte of input or
 * output. It wraps the WebAssembly kernel, which buffers 128 KiB of input and 256 KiB of output.
 *
 * Usage: {@link feed} input, call {@link run} until it needs more, {@link takeOutput} when it needs room, and
 * {@link close} at the end.
 */
export class Inflater {
  readonly #kernel = acquireKernel();
  readonly #memory = new Uint8Array(this.#kernel.memory.buffer);
  readonly #input = this.#kernel.inputAddress();
  readonly #inputLimit = this.#input + this.#kernel.inputCapacity();
  readonly #output = this.#kernel.outputAddress();
  readonly #outputLimit = this.#output + this.#kernel.outputCapacity();
  /** Offset in the compressed stream of the first byte of the input buffer. */
  #inputBase = 0;
  /** Offset in the decompressed stream of the first byte of the output buffer. */
  #outputBase = 0;
  /** Address up to which the output has been taken. */
  #taken = this.#output;
  #boundaryOffset = -1;
  #closed = false;

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
    const moved = kept - this.#input;
    this.#memory.copyWithin(this.#input, kept, inputEnd.value);
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

  /** Frees the output buffer after all output was taken. Earlier views of the output become invalid. */
  makeRoom(): void {
    const { outputPosition } = this.#kernel;
    if (outputPosition.value < this.#outputLimit) return;
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
    if (idleKernels.length < MAX_IDLE_KERNELS) idleKernels.push(this.#kernel);
  }

  #inputAddressUsed(): number {
    return this.#kernel.inputPosition.value - (this.#kernel.bitCount.value >> 3);
  }
}

import { KERNEL_BASE64 } from './kernel.generated.ts';

/** What the kernel exports: its state as globals, and its functions (assembly/inflate.ts). */
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

/** Why {@link Inflater.run} came back: what it wants, where it is, or what is wrong with the data. */
export type InflateAnswer = 'need-input' | 'need-output' | 'at-boundary' | 'at-end' | { readonly fault: string };

/** The kernel's answers from 0 up, and its faults from -1 down, in the words of zlib's inflate where it has them. */
const ANSWERS: readonly InflateAnswer[] = ['need-input', 'need-output', 'at-boundary', 'at-end'];
const FAULTS: readonly InflateAnswer[] = [
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

/** Kernels that nobody uses. A new one costs half a millisecond and gigabytes of address space, so they are used again. */
const idleKernels: Kernel[] = [];
const MAX_IDLE_KERNELS = 4;

function takeKernel(): Kernel {
  const idle = idleKernels.pop();
  if (idle !== undefined) {
    idle.reset();
    return idle;
  }
  kernelModule ??= new WebAssembly.Module(Uint8Array.from(atob(KERNEL_BASE64), (char) => char.charCodeAt(0)));
  return new WebAssembly.Instance(kernelModule).exports as unknown as Kernel;
}

/**
 * A deflate decoder (RFC 1951) that can stop before any block header and go on from one, and at any byte of input or
 * output. It hides the WebAssembly kernel, whose memory holds 128 KiB of input and 256 KiB of output at a time.
 *
 * The rhythm: {@link feed} it, {@link run} it until it wants more input, {@link takeOutput} whenever it wants room, and
 * {@link close} it in the end.
 */
export class Inflater {
  readonly #kernel = takeKernel();
  readonly #memory = new Uint8Array(this.#kernel.memory.buffer);
  readonly #input = this.#kernel.inputAddress();
  readonly #inputLimit = this.#input + this.#kernel.inputCapacity();
  readonly #output = this.#kernel.outputAddress();
  readonly #outputLimit = this.#output + this.#kernel.outputCapacity();
  /** Offset in the compressed stream of the byte at the input's address. */
  #inputBase = 0;
  /** Offset in the decompressed stream of the byte at the output's address. */
  #outputBase = 0;
  /** Address up to which the output has been taken. */
  #taken = this.#output;
  #boundaryOffset = -1;
  #closed = false;

  /** Bytes of the compressed stream consumed, a partly used one included. */
  get inputOffset(): number {
    return this.#inputBase + this.#inputAddressUsed() - this.#input;
  }

  /** Bits (0 to 7) of the last consumed byte that are not used yet. */
  get unusedBits(): number {
    return this.#kernel.bitCount.value & 7;
  }

  /** Bytes decompressed so far. */
  get outputOffset(): number {
    return this.#outputBase + this.#kernel.outputPosition.value - this.#output;
  }

  /** The input that is there and not consumed. Valid until the next {@link feed}. */
  get pendingInput(): Uint8Array {
    return this.#memory.subarray(this.#inputAddressUsed(), this.#kernel.inputEnd.value);
  }

  /**
   * Takes in as much of `bytes` from `start` as there is room for.
   * @param keepFrom Offset in the compressed stream from which {@link inputBetween} must still find the bytes.
   * @returns How many bytes were taken; at least one if any were given.
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

  /** The bytes of the compressed stream from offset `from` to `to`, both within what was kept. Valid until the next {@link feed}. */
  inputBetween(from: number, to: number): Uint8Array {
    const origin = this.#input - this.#inputBase;
    return this.#memory.subarray(origin + from, origin + to);
  }

  /** Passes over `count` bytes of input between two members. */
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
   * @param partByte The byte whose last `bits` bits come first; nothing if `bits` is 0.
   */
  beginAt(window: Uint8Array, bits: number, partByte: number): void {
    this.#memory.set(window, this.#output - HISTORY_SIZE);
    this.#kernel.beginMember();
    this.#kernel.outputFloor.value = this.#output - HISTORY_SIZE;
    this.#kernel.bitBuffer.value = BigInt(bits === 0 ? 0 : partByte >> (8 - bits));
    this.#kernel.bitCount.value = bits;
  }

  /** After `at-end`: gives the unused bytes back to the input, which goes on behind the deflate stream. */
  endMember(): void {
    this.#kernel.unloadBytes();
  }

  /** Makes {@link run} answer `at-boundary` before every block header at which more than `offset` bytes have been made. */
  stopAfter(offset: number): void {
    this.#boundaryOffset = offset;
    this.#kernel.boundaryAfter.value = Math.min(offset - this.#outputBase + this.#output, NEVER);
  }

  /** Decodes until something is wanted, or a boundary or the end of the deflate stream is reached. */
  run(): InflateAnswer {
    const answer = this.#kernel.run();
    return (answer >= 0 ? ANSWERS[answer] : FAULTS[-answer - 1]) as InflateAnswer;
  }

  /** The output made since the last call, as a view of the kernel's memory: valid until the next {@link run}. */
  takeOutput(): Uint8Array {
    const { outputPosition } = this.#kernel;
    const end = outputPosition.value;
    const taken = this.#memory.subarray(this.#taken, end);
    this.#taken = end;
    return taken;
  }

  /** Makes room after all output was taken; views of it are no longer valid. */
  makeRoom(): void {
    const { outputPosition } = this.#kernel;
    if (outputPosition.value < this.#outputLimit) return;
    const freed = outputPosition.value - this.#output;
    this.#kernel.slide();
    this.#outputBase += freed;
    this.#taken = this.#output;
    this.stopAfter(this.#boundaryOffset);
  }

  /** The last 32 KiB of output, zeros where there was less, as a view valid until the next {@link run}. */
  get window(): Uint8Array {
    const end = this.#kernel.outputPosition.value;
    return this.#memory.subarray(end - HISTORY_SIZE, end);
  }

  /** Lets another inflater use the kernel's memory. Neither this one nor views that it gave may be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (idleKernels.length < MAX_IDLE_KERNELS) idleKernels.push(this.#kernel);
  }

  #inputAddressUsed(): number {
    return this.#kernel.inputPosition.value - (this.#kernel.bitCount.value >> 3);
  }
}

import { KERNEL_BASE64 } from './kernel.generated.ts';

/** Exports of the kernel: assembly/entries.ts. */
export interface EntryKernel {
  readonly memory: WebAssembly.Memory;
  readonly seed: WebAssembly.Global<'i64'>;
  readonly mayBeImplied: WebAssembly.Global<'i32'>;
  reset(): void;
  blockAddress(): number;
  entryAddress(): number;
  longNamesAddress(): number;
  recordsAddress(): number;
  partAddress(): number;
  partEnd(): number;
  partSize(): number;
  resetPart(): void;
  enlargePart(size: number): void;
  mayLackTarget(): number;
  readPlainRecords(size: number): number;
  recordCount(): number;
  addPlainEntry(offset: number, longName: number, longLink: number, hasRecords: boolean): number;
  addEntry(recordsSize: number): void;
  nameStart(): number;
  nameSize(): number;
  entryType(): number;
  metadataSize(): number;
  beginEncoding(written: number): void;
  encodePart(size: number): number;
  encodedEnd(): number;
  encodedCount(): number;
  encodedAlignment(): number;
  offsetsEnd(): number;
}

/** Unused kernels: a new one takes half a millisecond and gigabytes of address space. */
const idle: EntryKernel[] = [];
const MAX_IDLE = 4;
/** A kernel with more memory is not kept. The memory of WebAssembly never shrinks. */
const MAX_IDLE_MEMORY = 1 << 20;

let module: WebAssembly.Module | undefined;

/** Returns a kernel without entries. */
export function acquireEntryKernel(): EntryKernel {
  const kernel = idle.pop() ?? createKernel();
  // Random, because a layer could otherwise have paths with equal hashes.
  kernel.seed.value = (BigInt(random32()) << 32n) | BigInt(random32());
  kernel.reset();
  return kernel;
}

/** Returns a kernel that is not used any more. */
export function releaseEntryKernel(kernel: EntryKernel): void {
  if (idle.length < MAX_IDLE && kernel.memory.buffer.byteLength <= MAX_IDLE_MEMORY) idle.push(kernel);
}

function createKernel(): EntryKernel {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(KERNEL_BASE64), (char) => char.charCodeAt(0)));
  return new WebAssembly.Instance(module).exports as unknown as EntryKernel;
}

function random32(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

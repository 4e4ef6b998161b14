import { THREAD_LAYOUT, type ThreadMemory } from './thread-memory.ts';

/** A thread that does nothing for so long, in milliseconds, has been lost. */
const MAX_SILENCE = 120_000;

/** The calling thread's end of the memory that it shares with a layer thread. */
export class ThreadChannel {
  readonly memory: ThreadMemory;
  /** The ring for the bytes of the layer. */
  readonly #ring: Buffer;
  #fed = 0;
  /** Why the thread has ended, if it has. */
  failure: string | undefined;

  constructor(memory: ThreadMemory, ringSize: number) {
    this.memory = memory;
    this.#ring = Buffer.from(memory.kernel, memory.ring, ringSize);
  }

  /** Bytes of the layer in the ring so far. */
  get fed(): number {
    return this.#fed;
  }

  /** Size of the ring in bytes. */
  get ringSize(): number {
    return this.#ring.length;
  }

  /** Starts a task for a new layer. @throws {Error} if the thread has ended, or works for another layer */
  begin(task: number): void {
    const { control } = this.memory;
    if (this.failure !== undefined) throw new Error(`the second thread has ended: ${this.failure}`);
    if (Atomics.load(control, THREAD_LAYOUT.task) !== THREAD_LAYOUT.idle) {
      throw new Error('the second thread works for another layer: start one thread for each build');
    }
    control.fill(0, THREAD_LAYOUT.isEnded, THREAD_LAYOUT.isClosing);
    this.#fed = 0;
    Atomics.store(control, THREAD_LAYOUT.task, task);
    this.signal();
  }

  /** Ends the task, and waits until the thread has stopped. */
  end(): void {
    const { control } = this.memory;
    Atomics.store(control, THREAD_LAYOUT.isEnded, 1);
    this.signal();
    if (this.failure === undefined)
      this.waitFor(() => Atomics.load(control, THREAD_LAYOUT.task) === THREAD_LAYOUT.idle);
  }

  /** Tells the thread that a control word has changed. */
  signal(): void {
    const { control } = this.memory;
    Atomics.add(control, THREAD_LAYOUT.toThread, 1);
    Atomics.notify(control, THREAD_LAYOUT.toThread);
  }

  /** Waits until the thread has changed a control word so that a condition holds. @throws {Error} if the thread has failed */
  waitFor(isMet: () => boolean): void {
    this.#waitFor(() => isMet() || this.#hasFailed);
    this.throwIfFailed();
  }

  /** @throws {Error} if the thread has failed */
  throwIfFailed(): void {
    if (this.#hasFailed) throw threadFailed(this.failure ?? 'it has thrown an error');
  }

  /**
   * Copies bytes of the layer from `start` to the ring.
   * @param keepFrom Offset in the layer of the first byte that is still needed.
   * @returns Number of bytes copied; 0 if the ring is full.
   */
  feed(bytes: Uint8Array, start: number, keepFrom: number): number {
    this.throwIfFailed();
    const ring = this.#ring;
    const free = ring.length - (this.#fed - Math.min(keepFrom, this.#fed));
    const count = Math.min(free, bytes.length - start);
    if (count === 0) return 0;
    const index = this.#fed % ring.length;
    // Node.js copies a part of a buffer with `memmove`. V8's method `set` copies to shared memory by words, or even by bytes.
    const source = Buffer.from(bytes.buffer);
    const from = bytes.byteOffset + start;
    const first = source.copy(ring, index, from, from + count);
    if (first < count) source.copy(ring, 0, from + first, from + count);
    this.#fed += count;
    Atomics.store(this.memory.control, THREAD_LAYOUT.fed, this.#fed | 0);
    this.signal();
    return count;
  }

  /** Returns bytes of the layer that are in the ring, from an offset, up to another one or the end of the ring. */
  read(from: number, to: number): Uint8Array {
    const index = from % this.#ring.length;
    return this.#ring.subarray(index, Math.min(index + to - from, this.#ring.length));
  }

  get #hasFailed(): boolean {
    return this.failure !== undefined || Atomics.load(this.memory.control, THREAD_LAYOUT.hasFailed) === 1;
  }

  #waitFor(isMet: () => boolean): void {
    const { control } = this.memory;
    while (true) {
      const signal = Atomics.load(control, THREAD_LAYOUT.toCaller);
      if (isMet()) return;
      if (Atomics.wait(control, THREAD_LAYOUT.toCaller, signal, MAX_SILENCE) === 'timed-out') {
        throw threadFailed('it does not answer');
      }
    }
  }
}

function threadFailed(reason: string): Error {
  return new Error(`the second thread failed: ${reason}`);
}

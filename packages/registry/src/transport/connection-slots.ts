import type { RegistryError } from '../errors.ts';

/** One host's connections, counted. */
interface HostSlots {
  used: number;
  /** Of those: by bodies that wait for their receivers. */
  usedByWaiting: number;
  readonly queue: Waiter[];
}

interface Waiter {
  readonly waitsForReceiver: boolean;
  readonly begin: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Lets so many requests to one host be under way at a time, the others in their order. One connection is kept from bodies
 * that wait for their receivers: what these receivers may need of the same host first, such as the upload of what they
 * read, would otherwise wait for the bodies, and these for it.
 */
export class ConnectionSlots {
  readonly #most: number;
  readonly #hosts = new Map<string, HostSlots>();

  /** @param most - Requests to one host at a time, at least 2. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Waits until a request may be sent.
   *
   * @param waitsForReceiver - As in `HttpRequest`.
   * @returns What is to be called when its connection is free again.
   * @throws the signal's reason
   */
  async take(origin: string, waitsForReceiver: boolean, signal: AbortSignal | undefined): Promise<() => void> {
    const host = this.#hosts.get(origin) ?? { used: 0, usedByWaiting: 0, queue: [] };
    this.#hosts.set(origin, host);
    if (this.#hasSlot(host, waitsForReceiver)) this.#count(host, waitsForReceiver, 1);
    else await this.#wait(host, waitsForReceiver, signal);
    return () => {
      this.#count(host, waitsForReceiver, -1);
      this.#beginNext(host);
      if (host.used === 0 && host.queue.length === 0) this.#hosts.delete(origin);
    };
  }

  /** Fails all requests that wait. */
  close(error: RegistryError): void {
    for (const { queue } of this.#hosts.values()) for (const { fail } of [...queue]) fail(error);
  }

  #hasSlot({ used, usedByWaiting }: HostSlots, waitsForReceiver: boolean): boolean {
    return used < this.#most && (!waitsForReceiver || usedByWaiting < this.#most - 1);
  }

  #count(host: HostSlots, waitsForReceiver: boolean, change: 1 | -1): void {
    host.used += change;
    if (waitsForReceiver) host.usedByWaiting += change;
  }

  #wait(host: HostSlots, waitsForReceiver: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        host.queue.splice(host.queue.indexOf(waiter), 1);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown) => {
        leave();
        reject(error);
      };
      const begin = () => {
        leave();
        this.#count(host, waitsForReceiver, 1);
        resolve();
      };
      const onAbort = () => fail(signal?.reason);
      const waiter: Waiter = { waitsForReceiver, begin, fail };
      host.queue.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #beginNext(host: HostSlots): void {
    host.queue.find(({ waitsForReceiver }) => this.#hasSlot(host, waitsForReceiver))?.begin();
  }
}

import type { RegistryError } from '../errors.ts';

/** Connections to one host. */
interface HostSlots {
  used: number;
  /** How many of them stream a body to a consumer. */
  streaming: number;
  readonly queue: Waiter[];
}

interface Waiter {
  readonly streamsResponse: boolean;
  readonly start: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Limits the number of concurrent requests per host; further requests wait in order. One slot is reserved for requests
 * that do not stream their response. Otherwise streaming downloads could occupy all connections while their consumers
 * wait for a request to the same host, such as the upload of what they read: a deadlock.
 */
export class ConnectionSlots {
  readonly #limit: number;
  readonly #hosts = new Map<string, HostSlots>();

  /** Maximum number of concurrent requests per host, at least 2. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Waits for a slot.
   *
   * @param streamsResponse - See `HttpRequest`.
   * @returns A function that releases the slot.
   * @throws the signal's reason
   */
  async acquire(origin: string, streamsResponse: boolean, signal: AbortSignal | undefined): Promise<() => void> {
    const host = this.#hosts.get(origin) ?? { used: 0, streaming: 0, queue: [] };
    this.#hosts.set(origin, host);
    if (this.#hasFreeSlot(host, streamsResponse)) this.#count(host, streamsResponse, 1);
    else await this.#wait(host, streamsResponse, signal);
    return () => {
      this.#count(host, streamsResponse, -1);
      this.#startNext(host);
      if (host.used === 0 && host.queue.length === 0) this.#hosts.delete(origin);
    };
  }

  /** Rejects all waiting requests. */
  close(error: RegistryError): void {
    for (const { queue } of this.#hosts.values()) for (const { fail } of [...queue]) fail(error);
  }

  #hasFreeSlot({ used, streaming }: HostSlots, streamsResponse: boolean): boolean {
    return used < this.#limit && (!streamsResponse || streaming < this.#limit - 1);
  }

  #count(host: HostSlots, streamsResponse: boolean, change: 1 | -1): void {
    host.used += change;
    if (streamsResponse) host.streaming += change;
  }

  #wait(host: HostSlots, streamsResponse: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        host.queue.splice(host.queue.indexOf(waiter), 1);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown) => {
        leave();
        reject(error);
      };
      const start = () => {
        leave();
        this.#count(host, streamsResponse, 1);
        resolve();
      };
      const onAbort = () => fail(signal?.reason);
      const waiter: Waiter = { streamsResponse, start, fail };
      host.queue.push(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #startNext(host: HostSlots): void {
    host.queue.find(({ streamsResponse }) => this.#hasFreeSlot(host, streamsResponse))?.start();
  }
}

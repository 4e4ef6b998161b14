/** Maximum number of requests, apart from one for each layer. */
const MAX_REQUESTS = 10;

/** Reason for facts that were not read to keep the number of requests small. */
export const OUT_OF_REQUESTS = `the limit of ${MAX_REQUESTS} requests, plus one per layer, was reached`;

/** Counts requests, and says whether more are allowed. */
export class RequestBudget {
  #used = 0;
  #layers = 0;

  /** Number of requests so far. */
  get used(): number {
    return this.#used;
  }

  /** Counts a request. */
  count(): void {
    this.#used += 1;
  }

  /** Allows one more request for each layer. */
  addLayers(layers: number): void {
    this.#layers = layers;
  }

  /** Reports whether `requests` more are allowed. */
  allows(requests: number): boolean {
    return this.#used + requests <= MAX_REQUESTS + this.#layers;
  }
}

import { RequestError } from '../http/reply.ts';

/**
 * Limits manifest pushes like an AWS API: a token bucket that holds the requests of one second.
 *
 * @see Amazon ECR User Guide, "Amazon ECR service quotas": PutImage
 */
export class PutLimit {
  readonly #perSecond: number;
  #tokens: number;
  #updatedAt = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Takes a token. @throws RequestError 429 if none is left */
  take(): void {
    const now = performance.now();
    const added = ((now - this.#updatedAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + added);
    this.#updatedAt = now;
    if (this.#tokens < 1) throw new RequestError(429, 'TOOMANYREQUESTS', 'Rate exceeded');
    this.#tokens -= 1;
  }
}

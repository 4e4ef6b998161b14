import { createSha256, formatDigest, type Sha256 } from '../hash/sha256.ts';

/** Digests of a layer's spans, one after the other. */
export class SpanDigester {
  readonly #digests: string[] = [];
  #current: Sha256 | undefined;

  /** Ends the span under way, if there is one, and begins the next. */
  begin(): void {
    this.#end();
    this.#current = createSha256();
  }

  /** Adds bytes to the span under way. */
  update(bytes: Uint8Array): void {
    this.#current?.update(bytes);
  }

  /** Ends the last span. @returns `sha256:<hex>` of each span */
  finish(): readonly string[] {
    this.#end();
    return this.#digests;
  }

  #end(): void {
    if (this.#current !== undefined) this.#digests.push(formatDigest(this.#current.digest()));
    this.#current = undefined;
  }
}

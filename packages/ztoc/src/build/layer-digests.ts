import { createSha256, formatDigest, type Sha256 } from '../hashes.ts';

/** SHA-256 of a layer, in this thread or in another one. */
export interface LayerHash {
  /** Adds the next bytes of the layer. The caller may overwrite them afterwards. */
  update(bytes: Uint8Array): void;
  /** Ends the layer. */
  digest(): Uint8Array;
  /** Ends the use of the hash, with or without `digest`. */
  close(): void;
}

/** Digests of a layer and of its spans, each `sha256:<hex>`. */
export interface DigestedLayer {
  readonly layerDigest: string;
  readonly spanDigests: readonly string[];
}

/** Computes the digests of one layer while it is read. */
export class LayerDigests {
  readonly #layer: LayerHash | Sha256;
  #span: Sha256 | undefined;
  readonly #spanDigests: string[] = [];

  /** @param layer Computes the digest of the layer. @default this thread does */
  constructor(layer: LayerHash | Sha256 = createSha256()) {
    this.#layer = layer;
  }

  /** Adds the next bytes of the layer. The caller may overwrite them afterwards. */
  addLayer(bytes: Uint8Array): void {
    this.#layer.update(bytes);
  }

  /** Ends the current span, if any, and starts the next one. */
  beginSpan(): void {
    this.#endSpan();
    this.#span = createSha256();
  }

  /** Adds bytes to the current span. */
  addSpan(bytes: Uint8Array): void {
    this.#span?.update(bytes);
  }

  /** Ends the layer and its last span. */
  finish(): DigestedLayer {
    this.#endSpan();
    return { layerDigest: formatDigest(this.#layer.digest()), spanDigests: this.#spanDigests };
  }

  #endSpan(): void {
    if (this.#span !== undefined) this.#spanDigests.push(formatDigest(this.#span.digest()));
    this.#span = undefined;
  }
}

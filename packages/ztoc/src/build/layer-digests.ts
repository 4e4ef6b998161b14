import type { MemberChecker } from '../gzip/gzip-decoder.ts';
import { createSha256, formatDigest, type Sha256 } from '../hashes.ts';
import type { BlocksAhead } from './ahead-reader.ts';

/** Digests of a layer and of its spans, each `sha256:<hex>`. */
export interface DigestedLayer {
  readonly layerDigest: string;
  readonly spanDigests: readonly string[];
}

/** Computes the digests of one layer while it is read, in this thread or in another one. */
export interface LayerDigests {
  /** Maximum number of bytes in one call of {@link addLayer}. */
  readonly maxPieceSize: number;
  /** Compares the members of a gzip layer with their checksums. Absent if the decoder has to do that. */
  readonly checker?: MemberChecker;
  /** Decodes blocks of a gzip layer ahead, with `checker`. Absent if nothing does. */
  readonly ahead?: BlocksAhead;
  /** Adds the next bytes of the layer. The caller may overwrite them afterwards. @throws if the layer is already known to be damaged */
  addLayer(bytes: Uint8Array): void;
  /** Ends the current span, if any, and starts the next one. */
  beginSpan(): void;
  /** Adds bytes to the current span. They have been added to the layer. @param offset Offset of the first one in the layer. */
  addSpan(bytes: Uint8Array, offset: number): void;
  /** Spans that are added from now on start at this offset of the layer or after it. */
  release(offset: number): void;
  /** Ends the layer and its last span. @throws {ZtocError} `GZIP_CHECKSUM_MISMATCH` */
  finish(): Promise<DigestedLayer>;
  /** Ends early. @returns the fault that was found before the current position, if any */
  abort(): Promise<Error | undefined>;
}

/** Computes the digests in this thread. */
export class DigestsHere implements LayerDigests {
  readonly maxPieceSize: number = Number.POSITIVE_INFINITY;
  readonly #layer = createSha256();
  readonly #spans = new SpanDigester();

  addLayer(bytes: Uint8Array): void {
    this.#layer.update(bytes);
  }

  beginSpan(): void {
    this.#spans.begin();
  }

  addSpan(bytes: Uint8Array): void {
    this.#spans.update(bytes);
  }

  release(): void {}

  async finish(): Promise<DigestedLayer> {
    return { layerDigest: formatDigest(this.#layer.digest()), spanDigests: this.#spans.finish() };
  }

  async abort(): Promise<undefined> {}
}

/** Computes the digests of the spans of a layer, one after the other. */
export class SpanDigester {
  readonly #digests: string[] = [];
  #current: Sha256 | undefined;

  /** Ends the current span, if any, and starts the next one. */
  begin(): void {
    this.#end();
    this.#current = createSha256();
  }

  /** Adds bytes to the current span. */
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

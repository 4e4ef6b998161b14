import { ZtocError } from '../errors.ts';
import { packSpanTable } from '../spans/span-table.ts';
import { TarScanner } from '../tar/tar-scanner.ts';
import type { LayerParts, LayerReader, LayerReaderOptions } from './layer-reader.ts';
import { SpanDigester } from './span-digester.ts';

/** Reads an uncompressed layer, whose spans are plain cuts (ztoc/compression/tar_zinfo.go). */
export class PlainLayerReader implements LayerReader {
  readonly #options: LayerReaderOptions;
  readonly #scanner: TarScanner;
  readonly #digester = new SpanDigester();
  #size = 0;
  #spans = 0;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#scanner = new TarScanner(options);
  }

  get uncompressedBytes(): number {
    return this.#size;
  }

  get spans(): number {
    return this.#spans;
  }

  push(bytes: Uint8Array): void {
    this.#scanner.push(bytes);
    const { spanSize, maxUncompressedSize } = this.#options;
    let at = 0;
    while (at < bytes.length) {
      const offset = this.#size % spanSize;
      if (offset === 0) this.#beginSpan();
      const count = Math.min(bytes.length - at, spanSize - offset);
      this.#digester.update(bytes.subarray(at, at + count));
      at += count;
      this.#size += count;
    }
    if (this.#size > maxUncompressedSize) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer has more than ${maxUncompressedSize} bytes: raise maxUncompressedSize if that is meant`,
      );
    }
  }

  finish(): LayerParts {
    const table = packSpanTable({ spanSize: this.#options.spanSize, size: this.#size });
    return {
      compression: 'uncompressed',
      contents: this.#scanner.finish(),
      spanDigests: this.#digester.finish(),
      checkpoints: { size: table.length, moveTo: (target) => target.set(table) },
    };
  }

  close(): void {}

  #beginSpan(): void {
    if (this.#spans === this.#options.maxSpans) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer has more than ${this.#options.maxSpans} spans by byte ${this.#size}: use a larger span size, or raise maxSpans`,
        { offset: this.#size },
      );
    }
    this.#spans += 1;
    this.#digester.begin();
  }
}

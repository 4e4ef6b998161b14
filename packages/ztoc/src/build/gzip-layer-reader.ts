import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from '../gzip/checkpoint.ts';
import { CheckpointPacker } from '../gzip/checkpoint-packer.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { TarScanner } from '../tar/tar-scanner.ts';
import type { LayerParts, LayerReader, LayerReaderOptions } from './layer-reader.ts';
import { SpanDigester } from './span-digester.ts';

/** Reads a gzip layer: decompresses it into the tar scanner, and takes a checkpoint where a span begins. */
export class GzipLayerReader implements LayerReader {
  readonly #decoder: GzipDecoder;
  readonly #scanner: TarScanner;
  readonly #checkpoints: CheckpointPacker;
  readonly #digester = new SpanDigester();
  readonly #maxUncompressedSize: number;
  readonly #maxEmptySpans: number;

  constructor(options: LayerReaderOptions) {
    this.#maxUncompressedSize = options.maxUncompressedSize;
    this.#maxEmptySpans = options.maxEmptySpans;
    this.#scanner = new TarScanner(options);
    this.#checkpoints = new CheckpointPacker(options.spanSize, options.maxSpans);
    this.#decoder = new GzipDecoder(
      {
        output: (bytes) => this.#takeOutput(bytes),
        spanInput: (bytes) => this.#digester.update(bytes),
        checkpoint: (checkpoint) => this.#beginSpan(checkpoint),
        wantsOutput: () => !this.#scanner.done,
      },
      { spanSize: options.spanSize },
    );
  }

  get uncompressedBytes(): number {
    return this.#decoder.outputOffset;
  }

  get spans(): number {
    return this.#checkpoints.count;
  }

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
  }

  finish(): LayerParts {
    this.#decoder.finish();
    const contents = this.#scanner.finish();
    return {
      compression: 'gzip',
      spanDigests: this.#digester.finish(),
      checkpoints: this.#checkpoints,
      contents,
    };
  }

  close(): void {
    this.#decoder.close();
  }

  #beginSpan(checkpoint: GzipCheckpoint): void {
    const { inputOffset, outputOffset } = checkpoint;
    if (outputOffset === 0 && this.#checkpoints.count > this.#maxEmptySpans) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer begins with more than ${this.#maxEmptySpans} empty blocks by byte ${inputOffset}: recompress it, or raise maxEmptySpans`,
        { offset: inputOffset },
      );
    }
    this.#checkpoints.add(checkpoint);
    this.#digester.begin();
  }

  #takeOutput(bytes: Uint8Array): void {
    if (this.#decoder.outputOffset > this.#maxUncompressedSize) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer inflates to more than ${this.#maxUncompressedSize} bytes: raise maxUncompressedSize if that is meant`,
      );
    }
    this.#scanner.push(bytes);
  }
}

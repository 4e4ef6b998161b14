import type { CheckpointSource } from '../envelope/encode.ts';
import type { ZtocLimits } from '../limits.ts';
import type { TarContents } from '../tar/tar-scanner.ts';
import type { Ztoc } from '../ztoc.ts';

/** What reading a layer to its end gives, for a zTOC to be made of. */
export interface LayerParts extends Pick<Ztoc, 'compression' | 'spanDigests'> {
  readonly checkpoints: CheckpointSource;
  readonly contents: TarContents;
}

/** Reads a layer once, in chunks, and gathers what its zTOC needs; one for each kind of compression. */
export interface LayerReader {
  /** Bytes of the uncompressed stream seen so far. */
  readonly uncompressedBytes: number;
  /** Spans begun so far. */
  readonly spans: number;
  /** Takes the layer's next bytes, which may be overwritten afterwards. */
  push(bytes: Uint8Array): void;
  /** Says that the layer has ended. */
  finish(): LayerParts;
  /** Frees what reading needs, whether it went well or not. Nothing else may be called afterwards. */
  close(): void;
}

/** The bounds and the span size that a reader keeps to. */
export interface LayerReaderOptions extends Required<ZtocLimits> {
  readonly spanSize: number;
}

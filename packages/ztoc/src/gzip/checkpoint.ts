/**
 * A point in a gzip layer from which decompression can start: just before a deflate block's header.
 * `inputOffset` counts the file bytes consumed, a partly used byte included, of which `bits` (0 to 7) are unused.
 */
export interface GzipCheckpoint {
  readonly inputOffset: number;
  readonly outputOffset: number;
  readonly bits: number;
  /** The 32,768 bytes of output before the point, zeros where there was less. */
  readonly window: Uint8Array;
}

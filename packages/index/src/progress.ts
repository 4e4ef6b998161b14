/** What is going on, for a progress bar or a log. Bytes are those of the compressed layers. */
export type IndexProgress =
  /** The image is read: this is what there is to do. */
  | { readonly type: 'planned'; readonly layers: number; readonly bytes: number }
  /** A layer is being read. */
  | { readonly type: 'layer-started'; readonly layer: string; readonly size: number }
  /** So much of it has been read. */
  | ({ readonly type: 'layer-progress'; readonly layer: string; readonly size: number } & LayerProgress)
  /** Its zTOC is made. */
  | {
      readonly type: 'layer-done';
      readonly layer: string;
      readonly size: number;
      readonly ztocSize: number;
      readonly spans: number;
      readonly files: number;
      readonly seconds: number;
    };

/** How far the work on one layer has come. */
export interface LayerProgress {
  /** Bytes of the layer read so far. */
  readonly bytes: number;
  /** Bytes of its tar archive seen so far. */
  readonly uncompressedBytes: number;
  /** Spans begun so far. */
  readonly spans: number;
}

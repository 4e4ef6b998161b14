/** Progress event of a build, for a progress bar or a log. Bytes are compressed bytes of layers. */
export type IndexProgress =
  /** An existing zTOC with the same settings is reused. The layer is not read. */
  | {
      readonly type: 'layer-reused';
      readonly layer: string;
      readonly size: number;
      readonly ztocSize: number;
      readonly spans: number;
      readonly files: number;
    }
  /** An existing zTOC was rejected. The layer is read. */
  | {
      readonly type: 'ztoc-refused';
      readonly layer: string;
      readonly size: number;
      readonly reason: ZtocRefusal;
      readonly message: string;
    }
  /** The manifests were read and reusable zTOCs were found. `layers` and `bytes` remain to be read. */
  | { readonly type: 'planned'; readonly layers: number; readonly bytes: number }
  /** Reading of a layer starts. */
  | { readonly type: 'layer-started'; readonly layer: string; readonly size: number }
  /** More of the layer was read. */
  | ({ readonly type: 'layer-progress'; readonly layer: string; readonly size: number } & LayerProgress)
  /** The content of the layer does not match its media type. The layer is skipped. */
  | {
      readonly type: 'layer-mismatched';
      readonly layer: string;
      readonly size: number;
      readonly mediaType: string;
      /** Format of the content, such as `zstd`. */
      readonly format: string;
    }
  /** The zTOC of the layer was built. */
  | {
      readonly type: 'layer-done';
      readonly layer: string;
      readonly size: number;
      readonly ztocSize: number;
      readonly spans: number;
      readonly files: number;
      readonly seconds: number;
    };

/** Progress of one layer. */
export interface LayerProgress {
  /** Bytes of the layer read so far. */
  readonly bytes: number;
  /** Uncompressed bytes read so far. */
  readonly uncompressedBytes: number;
  /** Spans started so far. */
  readonly spans: number;
}

/**
 * Reason why an existing zTOC was rejected.
 *
 * - `too-large`: it exceeds the limit on bytes, entries or spans.
 * - `malformed`: it is not a zTOC, or is encoded in a different way than a new zTOC would be.
 * - `other-layer`: it belongs to a layer of different size or compression.
 * - `other-settings`: it was built with a different span size or tool name.
 * - `wrong-spans`: the lengths of its spans do not match the span size. soci-snapshotter before v0.14.0 built such zTOCs
 *   for layers with several gzip members.
 */
export type ZtocRefusal = 'too-large' | 'malformed' | 'other-layer' | 'other-settings' | 'wrong-spans';

/** What is going on, for a progress bar or a log. Bytes are those of the compressed layers. */
export type IndexProgress =
  /** A layer's zTOC was found, made with the same settings: the layer is not read. */
  | {
      readonly type: 'layer-reused';
      readonly layer: string;
      readonly size: number;
      readonly ztocSize: number;
      readonly spans: number;
      readonly files: number;
    }
  /** A layer's zTOC was found and is not what it should be: the layer is read. */
  | {
      readonly type: 'ztoc-refused';
      readonly layer: string;
      readonly size: number;
      readonly reason: ZtocRefusal;
      readonly message: string;
    }
  /** The image is read, and what can be reused is found: this is what there is to read. */
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

/**
 * Why a zTOC that was found is not used.
 *
 * - `too-large`: it has more bytes, entries or spans than a zTOC may have.
 * - `malformed`: it is no zTOC, or not laid out as the reference and we do it.
 * - `other-layer`: it is of a layer of another size, or of one that is compressed otherwise.
 * - `other-settings`: it was built with another span size, or under another name.
 * - `wrong-spans`: its spans are not as far apart as that span size asks for, as the reference before v0.14.0 built them for
 *   layers of several gzip members.
 */
export type ZtocRefusal = 'too-large' | 'malformed' | 'other-layer' | 'other-settings' | 'wrong-spans';

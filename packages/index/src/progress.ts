import type { ZtocRefusal } from './reuse/ztoc-refusal.ts';

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

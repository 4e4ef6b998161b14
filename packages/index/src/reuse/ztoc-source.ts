import type { CallOptions } from '@soci/oci';
import type { Compression } from '@soci/ztoc';

/** A layer whose zTOC is looked for. */
export interface ReusableLayer {
  /** Digest of the layer. */
  readonly digest: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Media type of the layer. */
  readonly mediaType: string;
  /** How the layer is read: a zTOC of the same bytes read otherwise is another one. */
  readonly compression: Compression;
}

/** What a zTOC's bytes hang on, beside its layer. */
export interface ZtocSettings {
  /** Bytes between the points of the layer where reading can start. */
  readonly spanSize: number;
  /** Who is said to have made the zTOC. */
  readonly buildToolIdentifier: string;
}

/** Knows zTOCs that were built before. */
export interface ZtocSource {
  /**
   * Finds the zTOC of a layer that was built with the same settings. Several layers may be asked for at a time.
   *
   * @returns Its bytes, which are those that their descriptor names, or undefined where none is known.
   * @throws What ends the whole run: the signal's reason, but nothing that reading the layer would make good.
   */
  find(layer: ReusableLayer, settings: ZtocSettings, options?: CallOptions): Promise<Uint8Array | undefined>;
}

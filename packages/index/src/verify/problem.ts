/**
 * What is wrong with a SOCI index.
 *
 * - `index-invalid`: a SOCI index manifest that cannot be read as one.
 * - `index-not-listed`: an image manifest names a SOCI index that the image index does not list.
 * - `manifest-not-found`: a SOCI index belongs to no manifest of the image.
 * - `manifest-not-annotated`: it belongs to a manifest that names another, or none.
 * - `layer-not-in-image`: a zTOC of a layer that its image manifest does not have.
 * - `annotation-mismatch`: what a zTOC's descriptor says of the layer is not so.
 * - `ztoc-invalid`: a zTOC, or prefetch artifact, that is malformed, damaged or missing.
 * - `ztoc-of-another-layer`: a well-formed zTOC of another layer: the sizes differ, or no span has its digest.
 * - `span-digest-mismatch`: a span of the layer does not have the digest that the zTOC has for it.
 * - `content-mismatch`: a file read through the spans differs from the layer decompressed from its start.
 * - `file-list-mismatch`: the zTOC's table of contents is not the archive's.
 * - `layer-damaged`: the layer itself is missing, or not what its descriptor says, or cannot be decompressed.
 */
export type ProblemCode =
  | 'annotation-mismatch'
  | 'content-mismatch'
  | 'file-list-mismatch'
  | 'index-invalid'
  | 'index-not-listed'
  | 'layer-damaged'
  | 'layer-not-in-image'
  | 'manifest-not-annotated'
  | 'manifest-not-found'
  | 'span-digest-mismatch'
  | 'ztoc-invalid'
  | 'ztoc-of-another-layer';

/** One thing that is wrong. */
export interface Problem {
  readonly code: ProblemCode;
  /** What is wrong, where. */
  readonly message: string;
  /** The file that cannot be read back, or differs. */
  readonly file?: string;
  /** The span at fault. */
  readonly span?: number;
}

/** Problems told of one layer: more would only repeat themselves. */
export const MAX_PROBLEMS = 20;

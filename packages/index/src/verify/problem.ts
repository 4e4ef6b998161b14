/**
 * Code of a {@link Problem}.
 *
 * - `index-invalid`: a SOCI index manifest is malformed or missing.
 * - `index-not-listed`: an image manifest names a SOCI index that the image index does not list.
 * - `manifest-not-found`: the image manifest of a SOCI index is not listed or cannot be read.
 * - `manifest-not-annotated`: the image manifest of a SOCI index does not name this SOCI index.
 * - `layer-not-in-image`: the image manifest does not list the layer of a zTOC.
 * - `annotation-mismatch`: the annotations of a zTOC do not match the layer.
 * - `ztoc-invalid`: a zTOC or prefetch artifact is malformed, damaged or missing.
 * - `ztoc-of-another-layer`: a valid zTOC belongs to another layer: the sizes differ, or no span digest matches.
 * - `span-digest-mismatch`: a span of the layer does not match its digest in the zTOC.
 * - `content-mismatch`: a file read through the spans differs from the file in the decompressed layer.
 * - `file-list-mismatch`: the table of contents of the zTOC differs from the archive.
 * - `layer-damaged`: the layer is missing, does not match its descriptor, or cannot be decompressed.
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

/** A problem of a SOCI index or its image. */
export interface Problem {
  readonly code: ProblemCode;
  /** Describes the problem and its location. */
  readonly message: string;
  /** Path of the affected file. */
  readonly file?: string;
  /** Number of the affected span. */
  readonly span?: number;
}

/** Maximum number of problems reported for one layer. */
export const MAX_PROBLEMS = 20;

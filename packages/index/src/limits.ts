/**
 * Bounds on what a hostile image may cost, beside those of a layer (`ZtocLimits` of `@soci/ztoc`). Each raises
 * `LIMIT_EXCEEDED`. Defaults are far above what real images hold.
 */
export interface IndexLimits {
  /** Bytes of one manifest, image index or image configuration. @default {@link DEFAULT_MAX_DOCUMENT_SIZE} */
  readonly maxDocumentSize?: number;
  /** Bytes of all of them together, each time one is read. @default {@link DEFAULT_MAX_DOCUMENTS_SIZE} */
  readonly maxDocumentsSize?: number;
  /** Descriptors met on one walk through an image, those met twice counted twice. @default {@link DEFAULT_MAX_REFERENCES} */
  readonly maxReferences?: number;
  /** Platforms indexed in one run. @default {@link DEFAULT_MAX_PLATFORMS} */
  readonly maxPlatforms?: number;
  /** Bytes of one zTOC or prefetch artifact that is read. @default {@link DEFAULT_MAX_ZTOC_SIZE} */
  readonly maxZtocSize?: number;
  /** Bytes that one span may hold when it is read back. @default {@link DEFAULT_MAX_SPAN_LENGTH} */
  readonly maxSpanLength?: number;
}

/** 4 MiB: what registries take as a manifest. */
export const DEFAULT_MAX_DOCUMENT_SIZE = 1 << 22;

/** 64 MiB. */
export const DEFAULT_MAX_DOCUMENTS_SIZE = 1 << 26;

/** 10,000: where containerd stops too (core/images/handlers.go, `maxReferences`). */
export const DEFAULT_MAX_REFERENCES = 10_000;

/** 128 platforms; the widest images have about twenty. */
export const DEFAULT_MAX_PLATFORMS = 128;

/** 512 MiB: a zTOC grows by 32 KiB a span and some 100 bytes a file. */
export const DEFAULT_MAX_ZTOC_SIZE = 1 << 29;

/** 256 MiB, 64 times the default span size. */
export const DEFAULT_MAX_SPAN_LENGTH = 1 << 28;

/** Every bound, with its default where the caller has set none. */
export function resolveLimits(limits: IndexLimits = {}): Required<IndexLimits> {
  return {
    maxDocumentSize: limits.maxDocumentSize ?? DEFAULT_MAX_DOCUMENT_SIZE,
    maxDocumentsSize: limits.maxDocumentsSize ?? DEFAULT_MAX_DOCUMENTS_SIZE,
    maxReferences: limits.maxReferences ?? DEFAULT_MAX_REFERENCES,
    maxPlatforms: limits.maxPlatforms ?? DEFAULT_MAX_PLATFORMS,
    maxZtocSize: limits.maxZtocSize ?? DEFAULT_MAX_ZTOC_SIZE,
    maxSpanLength: limits.maxSpanLength ?? DEFAULT_MAX_SPAN_LENGTH,
  };
}

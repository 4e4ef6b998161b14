/**
 * Limits on untrusted content. Exceeding one throws `LIMIT_EXCEEDED` before memory is allocated.
 * The defaults are those of registries, or far above the needs of real images.
 */
export interface OciLimits {
  /**
   * Maximum size of a manifest, image index or image configuration, in bytes.
   *
   * @default 4 MiB, which registries must accept (OCI distribution-spec v1.1, "Pushing Manifests")
   */
  readonly maxManifestSize?: number;
  /**
   * Maximum number of layers of a manifest.
   * @default 10,000; images have at most a few hundred, artifacts may have more
   */
  readonly maxLayers?: number;
  /** Maximum number of entries of an image index. @default 10,000 */
  readonly maxManifests?: number;
  /** Maximum number of levels of manifests, including the root. @default 8; known images have at most four */
  readonly maxDepth?: number;
  /** Maximum number of different blobs and manifests below the root. @default 100,000 */
  readonly maxNodes?: number;
}

/** Defaults of {@link OciLimits}. */
export const DEFAULT_LIMITS: Required<OciLimits> = {
  maxManifestSize: 4 << 20,
  maxLayers: 10_000,
  maxManifests: 10_000,
  maxDepth: 8,
  maxNodes: 100_000,
};

/**
 * Bounds on what hostile content may cost. Each raises `LIMIT_EXCEEDED` before anything is buffered.
 * Defaults are what registries hold to, or far above what real images have.
 */
export interface OciLimits {
  /**
   * Bytes of one manifest, image index or image configuration.
   *
   * @default 4 MiB, what a registry must accept (OCI distribution-spec v1.1, "Pushing Manifests")
   */
  readonly maxManifestSize?: number;
  /** Layers of one image manifest. @default 10,000; overlay file systems end at a few hundred, artifacts go further */
  readonly maxLayers?: number;
  /** Entries of one image index. @default 10,000 */
  readonly maxManifests?: number;
  /** Levels of manifests in a graph, the root's included. @default 8; no image is known to have more than four */
  readonly maxDepth?: number;
  /** Different pieces of content in a graph. @default 100,000 */
  readonly maxNodes?: number;
}

/** The defaults of {@link OciLimits}. */
export const DEFAULT_LIMITS: Required<OciLimits> = {
  maxManifestSize: 4 << 20,
  maxLayers: 10_000,
  maxManifests: 10_000,
  maxDepth: 8,
  maxNodes: 100_000,
};

/**
 * Bounds on what hostile content may cost. Each raises `LIMIT_EXCEEDED` before anything is buffered.
 * Defaults are what registries hold to, or far above what real images have.
 */
export interface OciLimits {
  /** Bytes of one manifest, image index or image configuration. @default {@link MAX_MANIFEST_SIZE} */
  readonly maxManifestSize?: number;
  /** Layers of one image manifest. @default {@link MAX_LAYERS} */
  readonly maxLayers?: number;
  /** Entries of one image index. @default {@link MAX_MANIFESTS} */
  readonly maxManifests?: number;
  /** Levels of manifests in a graph, the root's included. @default {@link MAX_DEPTH} */
  readonly maxDepth?: number;
  /** Different pieces of content in a graph. @default {@link MAX_NODES} */
  readonly maxNodes?: number;
}

/** 4 MiB: what a registry is bound to take. @see OCI distribution-spec v1.1, "Pushing Manifests" */
export const MAX_MANIFEST_SIZE = 4_194_304;

/** Overlay file systems end at a few hundred layers; artifacts go further. */
export const MAX_LAYERS = 10_000;

/** Entries of one image index. */
export const MAX_MANIFESTS = 10_000;

/** An index of indexes of manifests is three; nobody is known to go further than four. */
export const MAX_DEPTH = 8;

/** Different pieces of content in a graph. */
export const MAX_NODES = 100_000;

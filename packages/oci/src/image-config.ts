import { asDigest, asObject, field, listField, optionalString, parseDocument } from './document.ts';
import { DEFAULT_LIMITS, type OciLimits } from './limits.ts';
import { type Platform, parsePlatformObject } from './platform.ts';

/**
 * The part of an image configuration that says what the image is; what its containers run is left in `raw`.
 *
 * @see OCI image-spec v1.1, config.md
 */
export interface ImageConfig {
  /** The bytes it was parsed from. */
  readonly raw: Uint8Array;
  /** What the image runs on, as it stands, not normalized. */
  readonly platform: Platform;
  /** Digests of the uncompressed layers, the base first; empty where the configuration has no `rootfs`. */
  readonly diffIds: readonly string[];
  /** When the image was made, RFC 3339, where it says. */
  readonly created?: string;
}

/**
 * Parses and checks an image configuration, OCI or Docker.
 *
 * @param bytes - As fetched; kept as `raw`, so do not change them after.
 * @throws OciError `MANIFEST_INVALID`, naming the field; `LIMIT_EXCEEDED`.
 */
export function parseImageConfig(bytes: Uint8Array, limits: OciLimits = {}): ImageConfig {
  const document = parseDocument(bytes, 'image configuration', limits.maxManifestSize);
  const where = 'image configuration.rootfs';
  const rootfs = field(document, 'rootfs');
  const maxLayers = limits.maxLayers ?? DEFAULT_LIMITS.maxLayers;
  const diffIds = rootfs === undefined ? [] : listField(asObject(rootfs, where), 'diff_ids', where, maxLayers);
  const created = optionalString(document, 'created', 'image configuration');
  return {
    raw: bytes,
    platform: parsePlatformObject(document, 'image configuration'),
    diffIds: diffIds.map((diffId, position) => asDigest(diffId, `${where}.diff_ids[${position}]`)),
    ...(created && { created }),
  };
}

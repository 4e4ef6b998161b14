import { asDigest, asObject, field, type JsonObject, listField, optionalString, parseDocument } from './document.ts';
import { DEFAULT_LIMITS, type OciLimits } from './limits.ts';
import { type Platform, parsePlatformObject } from './platform.ts';

/**
 * The fields of an image configuration that describe the image. The fields for its containers are only in `raw`.
 *
 * @see OCI image-spec v1.1, config.md
 */
export interface ImageConfig {
  /** The bytes from which it was parsed. */
  readonly raw: Uint8Array;
  /** Platform of the image, not normalized. */
  readonly platform: Platform;
  /** Digests of the uncompressed layers, starting with the base layer; empty if the configuration has no `rootfs`. */
  readonly diffIds: readonly string[];
  /** Creation time of the image in RFC 3339, if set. */
  readonly created?: string;
}

/**
 * Parses and checks an image configuration, OCI or Docker.
 *
 * @param bytes - The bytes as fetched. They are kept as `raw`: do not change them.
 * @throws OciError `MANIFEST_INVALID`, with the name of the field; `LIMIT_EXCEEDED`.
 */
export function parseImageConfig(bytes: Uint8Array, limits: OciLimits = {}): ImageConfig {
  const document = parseDocument(bytes, 'image configuration', limits.maxManifestSize);
  const created = optionalString(document, 'created', 'image configuration');
  return {
    raw: bytes,
    platform: parsePlatformObject(document, 'image configuration'),
    diffIds: readDiffIds(document, limits),
    ...(created && { created }),
  };
}

/** Returns the digests of the uncompressed layers in an image configuration; empty if it has no `rootfs`. */
export function readDiffIds(document: JsonObject, limits: OciLimits = {}): readonly string[] {
  const where = 'image configuration.rootfs';
  const rootfs = field(document, 'rootfs');
  const maxLayers = limits.maxLayers ?? DEFAULT_LIMITS.maxLayers;
  const diffIds = rootfs === undefined ? [] : listField(asObject(rootfs, where), 'diff_ids', where, maxLayers);
  return diffIds.map((diffId, position) => asDigest(diffId, `${where}.diff_ids[${position}]`));
}

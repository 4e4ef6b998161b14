import { type Descriptor, digestOf, type Platform } from '@soci/oci';
import { cleanPrefetchPath } from '../layers/prefetch-spans.ts';
import { RECOMPRESSION_LEVEL } from '../layers/recompress-layer.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from '../options.ts';
import { PREDICTOR_VERSION } from '../predict/predictor-version.ts';
import { encodeProfile } from '../profile/parse-profile.ts';
import { TOOL_VERSION } from '../version.ts';
import {
  ANNOTATION_PREFIX,
  ANNOTATION_SCHEMA_VERSION,
  ANNOTATION_SETTINGS_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_TOOL_VERSION,
} from '../vocabulary.ts';

/** Provenance annotations of a manifest by name; empty if it has none. */
export type ProvenanceAnnotations = Readonly<Record<string, string>>;

/** Version of the annotations and of the digested settings. */
const SCHEMA_VERSION = '1';

/** Returns the provenance annotations for an index. They depend only on the arguments and the tool version. */
export function describeProvenance(source: string, version: 1 | 2, options: ResolvedOptions): ProvenanceAnnotations {
  return {
    [ANNOTATION_SCHEMA_VERSION]: SCHEMA_VERSION,
    [ANNOTATION_SOURCE_DIGEST]: source,
    [ANNOTATION_SETTINGS_DIGEST]: digestSettings(version, options),
    [ANNOTATION_TOOL_VERSION]: TOOL_VERSION,
  };
}

/** Returns the digest of the original image: from the annotations of a SOCI-enabled image, otherwise `digest`. */
export function sourceDigest(digest: string, annotations: Descriptor['annotations']): string {
  return annotations?.[ANNOTATION_SOURCE_DIGEST] ?? digest;
}

/** Selects the provenance annotations of a manifest, of any schema version. */
export function readProvenance(annotations: Descriptor['annotations']): ProvenanceAnnotations {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(ANNOTATION_PREFIX)));
}

/** Replaces the provenance annotations of a manifest. */
export function replaceProvenance(
  annotations: Descriptor['annotations'],
  provenance: ProvenanceAnnotations,
): Descriptor['annotations'] {
  const others = Object.entries(annotations ?? {}).filter(([name]) => !name.startsWith(ANNOTATION_PREFIX));
  const all = { ...Object.fromEntries(others), ...provenance };
  return annotations === undefined && Object.keys(all).length === 0 ? undefined : all;
}

/** Returns whether provenance annotations match a source image and settings. Ignores the tool version. */
export function matchesProvenance(
  provenance: ProvenanceAnnotations,
  source: string,
  version: 1 | 2,
  options: ResolvedOptions,
): boolean {
  const expected = describeProvenance(source, version, options);
  return [ANNOTATION_SCHEMA_VERSION, ANNOTATION_SOURCE_DIGEST, ANNOTATION_SETTINGS_DIGEST].every(
    (name) => provenance[name] === expected[name],
  );
}

/**
 * Returns the digest of the settings that determine the bytes of an index: the value of `ANNOTATION_SETTINGS_DIGEST` on what
 * `indexImage` builds with these options.
 *
 * @param version - Version of the index.
 * @throws SociIndexError `OPTION_INVALID`
 */
export function settingsDigest(version: 1 | 2, options: SociIndexOptions): string {
  return digestSettings(version, resolveOptions(options, 1));
}

/** Digests the settings that determine the bytes of an index. docs/formats.md lists the fields in the same order. */
function digestSettings(version: 1 | 2, options: ResolvedOptions): string {
  const { spanSize, minLayerSize, markMissingXattrs, prefetchFiles, buildToolIdentifier, platforms, recompress } =
    options;
  const allowsMissing = prefetchFiles.length > 0 && options.allowsMissingPrefetch;
  const settings = {
    schemaVersion: SCHEMA_VERSION,
    indexVersion: version,
    spanSize,
    minLayerSize,
    optimizations: markMissingXattrs ? ['xattr'] : [],
    prefetchFiles: prefetchFiles.map(cleanPrefetchPath),
    buildToolIdentifier,
    // The bytes of a v1 index do not depend on the selection of other platforms.
    platforms: version === 1 ? null : (platforms?.map(allFields) ?? null),
    profile: digestProfile(options),
    // Absent by default, so that indexes of earlier versions stay current.
    ...(allowsMissing && { allowMissingPrefetch: true }),
    ...(recompress.length > 0 && { recompress, recompressLevel: RECOMPRESSION_LEVEL }),
  };
  return digestOf(new TextEncoder().encode(JSON.stringify(settings)));
}

/** Returns the digest of the profile; for a predicted one, what determines it together with the image. */
function digestProfile({ spanSize, profile }: ResolvedOptions): string | null {
  if (spanSize !== 'auto') return null;
  return profile === undefined ? `predicted-${PREDICTOR_VERSION}` : digestOf(encodeProfile(profile));
}

/** Returns a platform with all fields in fixed order. */
function allFields({ architecture, os, variant = '', ...more }: Platform): object {
  return {
    architecture,
    os,
    'os.version': more['os.version'] ?? '',
    'os.features': more['os.features'] ?? null,
    variant,
  };
}

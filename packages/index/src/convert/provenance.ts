import { digestOf } from '@soci/oci';
import { toPlatformStruct } from '../go-json/image-spec.ts';
import { cleanPrefetchPath } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';
import { TOOL_VERSION } from '../version.ts';
import {
  ANNOTATION_PREFIX,
  ANNOTATION_SCHEMA_VERSION,
  ANNOTATION_SETTINGS_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_TOOL_VERSION,
} from '../vocabulary.ts';

/** The annotations of a manifest that say what it was made of, by name; empty if it was made without them. */
export type ProvenanceAnnotations = ReadonlyMap<string, string>;

/** Version of the annotations, and of the settings that are digested. */
const SCHEMA_VERSION = '1';

/** Says of an index what it is made of, and with which settings: the same for the same, whatever the time or machine. */
export function describeProvenance(source: string, version: 1 | 2, options: ResolvedOptions): ProvenanceAnnotations {
  return new Map([
    [ANNOTATION_SCHEMA_VERSION, SCHEMA_VERSION],
    [ANNOTATION_SOURCE_DIGEST, source],
    [ANNOTATION_SETTINGS_DIGEST, digestSettings(version, options)],
    [ANNOTATION_TOOL_VERSION, TOOL_VERSION],
  ]);
}

/**
 * The image that a SOCI-enabled image was made of: what it says itself, if it is converted again, so that converting a
 * converted image changes nothing.
 *
 * @param digest - Of the image that is converted.
 * @param annotations - Of its image index, if it is one.
 */
export function sourceDigest(digest: string, annotations: ReadonlyMap<string, string> | null): string {
  return annotations?.get(ANNOTATION_SOURCE_DIGEST) ?? digest;
}

/** The annotations of provenance among those of a manifest, whatever their schema. */
export function readProvenance(annotations: Iterable<readonly [string, string]>): ProvenanceAnnotations {
  return new Map([...annotations].filter(([name]) => name.startsWith(ANNOTATION_PREFIX)));
}

/** The annotations of a manifest with others of provenance, or with none. */
export function replaceProvenance(
  annotations: Map<string, string> | null,
  provenance: ProvenanceAnnotations,
): Map<string, string> | null {
  const others = [...(annotations ?? [])].filter(([name]) => !name.startsWith(ANNOTATION_PREFIX));
  return annotations === null && provenance.size === 0 ? null : new Map([...others, ...provenance]);
}

/** Whether an index says that it was made of an image with these settings. The version of the tool makes no difference. */
export function isMadeOf(
  provenance: ProvenanceAnnotations,
  source: string,
  version: 1 | 2,
  options: ResolvedOptions,
): boolean {
  const expected = describeProvenance(source, version, options);
  return [ANNOTATION_SCHEMA_VERSION, ANNOTATION_SOURCE_DIGEST, ANNOTATION_SETTINGS_DIGEST].every(
    (name) => provenance.get(name) === expected.get(name),
  );
}

/** Digest of what decides which bytes an index has, beside the image: docs/formats.md lists the fields in this order. */
function digestSettings(version: 1 | 2, options: ResolvedOptions): string {
  const { spanSize, minLayerSize, markMissingXattrs, prefetchFiles, buildToolIdentifier, platforms } = options;
  const settings = {
    schemaVersion: SCHEMA_VERSION,
    indexVersion: version,
    spanSize,
    minLayerSize,
    optimizations: markMissingXattrs ? ['xattr'] : [],
    prefetchFiles: prefetchFiles.map(cleanPrefetchPath),
    buildToolIdentifier,
    // A v1 index is of one platform, whichever others are indexed.
    platforms: version === 1 ? null : (platforms?.map(toPlatformStruct) ?? null),
    profile: null,
  };
  return digestOf(new TextEncoder().encode(JSON.stringify(settings)));
}

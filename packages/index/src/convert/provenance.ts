import { type Descriptor, digestOf, type Platform } from '@soci/oci';
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
export type ProvenanceAnnotations = Readonly<Record<string, string>>;

/** Version of the annotations, and of the settings that are digested. */
const SCHEMA_VERSION = '1';

/** Says of an index what it is made of, and with which settings: the same for the same, whatever the time or machine. */
export function describeProvenance(source: string, version: 1 | 2, options: ResolvedOptions): ProvenanceAnnotations {
  return {
    [ANNOTATION_SCHEMA_VERSION]: SCHEMA_VERSION,
    [ANNOTATION_SOURCE_DIGEST]: source,
    [ANNOTATION_SETTINGS_DIGEST]: digestSettings(version, options),
    [ANNOTATION_TOOL_VERSION]: TOOL_VERSION,
  };
}

/** The image that a SOCI-enabled one was made of: by its `annotations` if converted again, else its `digest`. */
export function sourceDigest(digest: string, annotations: Descriptor['annotations']): string {
  return annotations?.[ANNOTATION_SOURCE_DIGEST] ?? digest;
}

/** The annotations of provenance among those of a manifest, whatever their schema. */
export function readProvenance(annotations: Descriptor['annotations']): ProvenanceAnnotations {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(ANNOTATION_PREFIX)));
}

/** The annotations of a manifest with others of provenance, or with none. */
export function replaceProvenance(
  annotations: Descriptor['annotations'],
  provenance: ProvenanceAnnotations,
): Descriptor['annotations'] {
  const others = Object.entries(annotations ?? {}).filter(([name]) => !name.startsWith(ANNOTATION_PREFIX));
  const all = { ...Object.fromEntries(others), ...provenance };
  return annotations === undefined && Object.keys(all).length === 0 ? undefined : all;
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
    (name) => provenance[name] === expected[name],
  );
}

/** Digest of the settings that, with the image, determine the bytes of an index: docs/formats.md lists the fields in this order. */
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
    platforms: version === 1 ? null : (platforms?.map(allFields) ?? null),
    profile: null,
  };
  return digestOf(new TextEncoder().encode(JSON.stringify(settings)));
}

/** A platform with all its fields, in their order. */
function allFields({ architecture, os, variant = '', ...more }: Platform): object {
  return {
    architecture,
    os,
    'os.version': more['os.version'] ?? '',
    'os.features': more['os.features'] ?? null,
    variant,
  };
}

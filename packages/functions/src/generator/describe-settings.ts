import { settingsDigest } from '@soci/index';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { buildOptions } from './index-digest.ts';

/** What a generator says about the indexes that it creates. */
export interface GeneratorDescription {
  readonly settings: {
    readonly version: 1 | 2;
    /** Output tag with its placeholders. */
    readonly outputTag: string;
    /** Whether its indexes name the image that they were made of. */
    readonly hasProvenance: boolean;
    /** Digest of the settings. Absent if it depends on the repository, or if indexes have no provenance. */
    readonly settingsDigest?: string;
  };
}

/** Describes the indexes that a generator creates. */
export function describeSettings(settings: GeneratorSettings): GeneratorDescription {
  const { version, outputTag, useStoredProfile, spanSize, compat } = settings;
  const hasProvenance = compat === undefined;
  // A stored profile belongs to one repository.
  const isFixed = hasProvenance && !useStoredProfile && spanSize !== 'auto';
  const { signal: _, ...options } = buildOptions(settings, new AbortController().signal);
  return {
    settings: {
      version,
      outputTag: outputTag.template,
      hasProvenance,
      ...(isFixed && { settingsDigest: settingsDigest(version, options) }),
    },
  };
}

import { DEFAULT_OUTPUT_TAG, type Filters, type OutputTag, parseOutputTag } from '@soci/filter';
import { RegistryJobsError } from '../errors.ts';

/** Which images of a repository get an index, and which index. */
export interface IndexPolicy {
  /** Filters for `repository:tag`. @default every tag */
  readonly filters?: Filters;
  /** Version of the index: `2` is a SOCI-enabled image, `1` an index that refers to the image. @default 2 */
  readonly version?: 1 | 2;
  /** Tag of the SOCI-enabled image. Only for version 2. @default `{tag}-soci` */
  readonly outputTag?: OutputTag;
  /** Skips images that were pushed before this time, in milliseconds since 1970. @default no limit */
  readonly newerThan?: number;
  /** Skips larger images: compressed size in bytes. Images of unknown size are not skipped. @default no limit */
  readonly maxImageSize?: number;
  /**
   * Digests of the settings (`settingsDigest` and `settingsDigestsIn` of `@soci/index`). With them, an index that was built with
   * other settings is stale. The provenance annotations of every index are then read.
   *
   * @default settings are not compared
   */
  readonly settingsDigest?: string | readonly string[];
  /**
   * Whether the provenance annotations of every index are read. They show that a tag was moved back to an older image, which push
   * times do not.
   *
   * @default true with `settingsDigest`, otherwise false
   */
  readonly readsProvenance?: boolean;
}

/** A policy with its defaults. */
export interface ResolvedPolicy
  extends Omit<IndexPolicy, 'version' | 'outputTag' | 'readsProvenance' | 'settingsDigest'> {
  readonly settingsDigests?: readonly string[];
  readonly version: 1 | 2;
  readonly outputTag: OutputTag;
  readonly readsProvenance: boolean;
}

/** Returns the policy with its defaults. @throws RegistryJobsError `OPTION_INVALID` if a number is out of range */
export function resolvePolicy(policy: IndexPolicy): ResolvedPolicy {
  for (const name of ['newerThan', 'maxImageSize'] as const) {
    const value = policy[name];
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new RegistryJobsError('OPTION_INVALID', `${name} is ${value}: expected a number of at least 0`);
  }
  const { version = 2, outputTag = parseOutputTag(DEFAULT_OUTPUT_TAG), settingsDigest, ...others } = policy;
  const readsProvenance = settingsDigest !== undefined || (policy.readsProvenance ?? false);
  const compared = settingsDigest === undefined ? {} : { settingsDigests: [settingsDigest].flat() };
  return { ...others, ...compared, version, outputTag, readsProvenance };
}

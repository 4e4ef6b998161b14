import { OciError } from '@soci/oci';
import { settingsDigest } from '../convert/provenance.ts';
import { SociIndexError } from '../errors.ts';
import { findStoredProfile, type ProfileSource, type StoredProfile } from '../profile/find-stored-profile.ts';
import { hasMethods, type PublishJob, splitProfile } from './job.ts';
import type { IndexImageOptions, SourceStore, TargetStore } from './options.ts';

/** What determines the profile that the spans follow. */
type ProfileJob = Pick<PublishJob, 'build' | 'isStoredOnly' | 'source' | 'target' | 'isSameStore' | 'call' | 'report'>;

/**
 * Decides which profile the spans follow: the given one; otherwise, with the span size `auto`, the stored one; otherwise a
 * predicted one. With the profile `stored` and none stored, the span size is the default.
 */
export async function withProfile<Job extends ProfileJob>(job: Job): Promise<Job & Pick<PublishJob, 'profile'>> {
  const { build, isStoredOnly } = job;
  if (build.profile !== undefined) return { ...job, profile: { origin: 'given' } };
  if (build.spanSize !== 'auto' && !isStoredOnly) return { ...job, profile: undefined };
  const stored = await findProfile(job);
  if (stored !== undefined) {
    const { profile, digest } = stored;
    return { ...job, build: { ...build, spanSize: 'auto', profile }, profile: { origin: 'stored', digest } };
  }
  if (!isStoredOnly) return { ...job, profile: { origin: 'predicted' } };
  const { spanSize: _, ...fixed } = build;
  return { ...job, build: fixed, profile: { origin: 'none' } };
}

/**
 * Returns the digests of the settings that an index of an image can have (`ANNOTATION_SETTINGS_DIGEST`) so that `indexImage`, within
 * the repository and with these options, finds it current. If spans follow a profile, these are two: an image without a file of the
 * profile has spans of the default size. Looks for a stored profile only if the options use one.
 *
 * @param store - The repository.
 * @param version - Version of the index.
 * @throws SociIndexError `OPTION_INVALID`; errors of the store; the abort reason of `options.signal`.
 */
export async function settingsDigestsIn(
  store: SourceStore & TargetStore,
  version: 1 | 2,
  options: IndexImageOptions,
): Promise<readonly string[]> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const job = { ...splitProfile(options), source: store, target: store, isSameStore: true, call, report: () => {} };
  const { build } = await withProfile(job);
  const { spanSize: _, profile: __, ...fixed } = build;
  const isGuided = build.spanSize === 'auto' || build.profile !== undefined;
  return (isGuided ? [build, fixed] : [build]).map((settings) => settingsDigest(version, settings));
}

/** Finds the profile that is stored in the target or, if it is another store, in the source. */
async function findProfile(job: ProfileJob): Promise<StoredProfile | undefined> {
  const { source, target, isSameStore } = job;
  const inTarget = hasMethods(target, 'fetch', 'referrers') ? await tryFinding(job, target) : undefined;
  return inTarget ?? (isSameStore ? undefined : await tryFinding(job, source));
}

/** A profile that is malformed, or that may not be read, must not prevent an index. */
async function tryFinding({ call, report }: ProfileJob, store: ProfileSource): Promise<StoredProfile | undefined> {
  try {
    return await findStoredProfile(store, call);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    report({ type: 'profile-skipped', error });
    return undefined;
  }
}

function isUnreadable(error: unknown): error is Error {
  if (error instanceof OciError || error instanceof SociIndexError) return true;
  // This package does not depend on a registry client and its error class.
  return error instanceof Error && 'code' in error && error.code === 'ACCESS_DENIED';
}

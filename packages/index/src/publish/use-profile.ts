import { OciError } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { findStoredProfile, type ProfileSource, type StoredProfile } from '../profile/find-stored-profile.ts';
import { hasMethods, type PublishJob } from './job.ts';

/**
 * Decides which profile the spans follow: the given one; otherwise, with the span size `auto`, the stored one; otherwise a
 * predicted one. With the profile `stored` and none stored, the span size is the default.
 */
export async function withProfile(job: PublishJob): Promise<PublishJob> {
  const { build, isStoredOnly } = job;
  if (build.profile !== undefined) return { ...job, profile: { origin: 'given' } };
  if (build.spanSize !== 'auto' && !isStoredOnly) return job;
  const stored = await findProfile(job);
  if (stored !== undefined) {
    const { profile, digest } = stored;
    return { ...job, build: { ...build, spanSize: 'auto', profile }, profile: { origin: 'stored', digest } };
  }
  if (!isStoredOnly) return { ...job, profile: { origin: 'predicted' } };
  const { spanSize: _, ...fixed } = build;
  return { ...job, build: fixed, profile: { origin: 'none' } };
}

/** Finds the profile that is stored in the target or, if it is another store, in the source. */
async function findProfile(job: PublishJob): Promise<StoredProfile | undefined> {
  const { source, target, isSameStore } = job;
  const inTarget = hasMethods(target, 'fetch', 'referrers') ? await tryFinding(job, target) : undefined;
  return inTarget ?? (isSameStore ? undefined : await tryFinding(job, source));
}

/** A profile that is malformed, or that may not be read, must not prevent an index. */
async function tryFinding({ call, report }: PublishJob, store: ProfileSource): Promise<StoredProfile | undefined> {
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

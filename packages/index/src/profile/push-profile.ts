import {
  type CallOptions,
  type Descriptor,
  digestOf,
  type ManifestPusher,
  OciError,
  type Pusher,
  type Resolver,
  type RootAdder,
  type Tagger,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { PROFILE_TAG } from '../vocabulary.ts';
import {
  findNewestManifest,
  type ProfileSource,
  readStoredProfile,
  type StoredProfile,
} from './find-stored-profile.ts';
import { encodeProfile } from './parse-profile.ts';
import { type ProfileArtifact, profileAnchor, profileArtifact } from './profile-manifest.ts';
import type { StartProfile } from './start-profile.ts';

/** Store that profiles can be written to: a repository of a registry, a layout, or memory. */
export type ProfileTarget = ProfileSource & Pusher & Resolver & Tagger & Partial<ManifestPusher & RootAdder>;

/** Result of {@link pushProfile}. */
export interface PushedProfile extends Pick<StoredProfile, 'digest' | 'manifest'> {
  /** `pushed`, or `current` if the last stored profile is the same, so that nothing was written. */
  readonly outcome: 'pushed' | 'current';
}

/**
 * Stores a profile with a repository, next to earlier ones. The last one applies to new images, see `findStoredProfile`.
 * The profile becomes a referrer of a manifest with the tag `soci-profile`, which is pushed only once, so that immutable tags
 * do not matter. A registry without the referrers API needs mutable tags.
 *
 * @param profile - A profile with at least one file.
 * @throws SociIndexError `PROFILE_INVALID`; `TAG_TAKEN` if the tag `soci-profile` refers to something else; errors of `store`.
 */
export async function pushProfile(
  store: ProfileTarget,
  profile: StartProfile,
  options: CallOptions = {},
): Promise<PushedProfile> {
  if (profile.files.length === 0) throw new SociIndexError('PROFILE_INVALID', 'the profile names no file');
  const content = encodeProfile(profile);
  const digest = digestOf(content);
  const newest = await findNewestManifest(store, options);
  // A malformed profile is replaced.
  const stored = newest && (await readStoredProfile(store, newest, options).catch(ignoreInvalid));
  if (stored?.digest === digest) return { outcome: 'current', digest, manifest: stored.manifest };

  await pushAnchor(store, options);
  // Later than the last one, even if the clock of this machine is behind.
  const artifact = profileArtifact(content, Math.max(Date.now(), (newest?.created ?? 0) + 1));
  await pushBlobs(store, artifact, options);
  const { manifest, raw } = artifact;
  if (store.pushManifest) await store.pushManifest(manifest, raw, { ...options, confirm: true });
  else {
    await store.push(manifest, raw, options);
    await store.addRoot?.(manifest, options);
  }
  return { outcome: 'pushed', digest, manifest };
}

function ignoreInvalid(error: unknown): undefined {
  if (error instanceof SociIndexError && error.code === 'PROFILE_INVALID') return undefined;
  throw error;
}

/** Pushes the manifest that profiles refer to, unless its tag exists. */
async function pushAnchor(store: ProfileTarget, options: CallOptions): Promise<void> {
  const { manifest, raw, ...rest } = profileAnchor();
  if (await hasAnchor(store, options)) return;
  await pushBlobs(store, rest, options);
  try {
    if (store.pushManifest) await store.pushManifest(manifest, raw, { ...options, tag: PROFILE_TAG });
    else {
      await store.push(manifest, raw, options);
      await store.tag(manifest, PROFILE_TAG, options);
    }
  } catch (error) {
    // An immutable tag rejects a second push, also if another client has just pushed the same manifest.
    if (!(await hasAnchor(store, options))) throw error;
  }
}

/** Returns whether the tag refers to the anchor. @throws SociIndexError `TAG_TAKEN` if it refers to something else. */
async function hasAnchor(store: ProfileTarget, options: CallOptions): Promise<boolean> {
  const { digest } = profileAnchor().manifest;
  const found = await store.resolve(PROFILE_TAG, options).catch((error: unknown): Descriptor | undefined => {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (found === undefined || found.digest === digest) return found !== undefined;
  const message = `cannot store a profile: the tag ${PROFILE_TAG} refers to ${found.digest}. Delete that tag.`;
  throw new SociIndexError('TAG_TAKEN', message, { digest: found.digest });
}

async function pushBlobs(
  store: Pusher,
  { blobs }: Pick<ProfileArtifact, 'blobs'>,
  options: CallOptions,
): Promise<void> {
  for (const { descriptor, content } of blobs) await store.push(descriptor, content, options);
}

import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageManifest,
  OciError,
  type ReferrerLister,
  readVerified,
} from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { MEDIA_TYPE_PROFILE } from '../vocabulary.ts';
import { parseProfile } from './parse-profile.ts';
import { MAX_PROFILE_MANIFEST_SIZE, parseProfileManifest, profileAnchor, readCreated } from './profile-manifest.ts';
import { MAX_PROFILE_SIZE, type StartProfile } from './start-profile.ts';

/** Maximum number of stored profiles that are listed: the limit for entries of an image index. */
const MAX_STORED_PROFILES = 10_000;

/** Maximum number of manifests that are read because the registry does not list annotations. */
const MAX_MANIFESTS_READ = 32;

/** Store that can have a profile: a repository of a registry, a layout, or memory. */
export type ProfileSource = Fetcher & ReferrerLister;

/** A profile that is stored with a repository. */
export interface StoredProfile {
  /** The profile. */
  readonly profile: StartProfile;
  /** Digest of the profile's JSON. Equal profiles have equal digests. */
  readonly digest: string;
  /** Descriptor of the manifest that stores the profile. */
  readonly manifest: Descriptor;
  /** When it was stored, in milliseconds since 1970. @default - the manifest has no valid time */
  readonly created?: number;
}

/**
 * Finds the profile that was stored last in a repository or layout. The time is that of the manifest's annotation
 * `org.opencontainers.image.created`; of equal times, the greater digest wins. Anyone who may push to a repository may store a
 * profile there, so it is untrusted: its size and number of files are limited, see `parseProfile`.
 *
 * @returns The profile, or undefined if none is stored. Without one, costs one request to a registry with the referrers API.
 * @throws SociIndexError `PROFILE_INVALID` if the last profile is malformed or cannot be read completely. Errors of listing
 *   the referrers, and of a store that cannot be reached.
 */
export async function findStoredProfile(
  store: ProfileSource,
  options: CallOptions = {},
): Promise<StoredProfile | undefined> {
  const newest = await findNewestManifest(store, options);
  return newest && readStoredProfile(store, newest, options);
}

/** Reads the profile of a manifest that {@link findNewestManifest} found. @throws SociIndexError `PROFILE_INVALID` */
export async function readStoredProfile(
  store: ProfileSource,
  { descriptor, created }: DatedManifest,
  options: CallOptions,
): Promise<StoredProfile> {
  try {
    const read = { ...options, maxSize: MAX_PROFILE_MANIFEST_SIZE };
    const { content } = parseProfileManifest(await readVerified(store, descriptor, read), descriptor);
    const json = await readVerified(store, content, { ...options, maxSize: MAX_PROFILE_SIZE });
    const profile = parseProfile(json, `stored profile ${content.digest}`);
    return { profile, digest: content.digest, manifest: descriptor, ...(created !== undefined && { created }) };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new SociIndexError('PROFILE_INVALID', `cannot read the stored profile: ${error.message}`, {
      cause: error,
      digest: descriptor.digest,
    });
  }
}

/** The manifest of a stored profile. */
interface DatedManifest {
  readonly descriptor: Descriptor;
  /** In milliseconds since 1970, if known. */
  readonly created: number | undefined;
}

/** Finds the manifest that was stored last, from its listed annotations or from its own manifest. */
export async function findNewestManifest(
  store: ProfileSource,
  options: CallOptions,
): Promise<DatedManifest | undefined> {
  let newest: DatedManifest | undefined;
  const consider = (other: DatedManifest) => {
    if (newest === undefined || compare(other, newest) > 0) newest = other;
  };
  const undated: Descriptor[] = [];
  let count = 0;
  for await (const descriptor of store.referrers(profileAnchor().manifest, MEDIA_TYPE_PROFILE, options)) {
    if (!isImageManifest(descriptor.mediaType)) continue;
    count += 1;
    if (count > MAX_STORED_PROFILES) {
      const message = `more than ${MAX_STORED_PROFILES} profiles are stored. Delete old ones.`;
      throw new SociIndexError('PROFILE_INVALID', message);
    }
    // Keep few of them: a registry decides how large a descriptor is.
    const isUndated = descriptor.annotations === undefined && undated.length < MAX_MANIFESTS_READ;
    if (isUndated) undated.push(descriptor);
    else consider({ descriptor, created: readCreated(descriptor.annotations) });
  }
  for (const descriptor of undated) {
    consider({ descriptor, created: count === 1 ? undefined : await readManifestTime(store, descriptor, options) });
  }
  return newest;
}

/** Returns the time in a manifest; undefined if it is not a stored profile. */
async function readManifestTime(
  store: ProfileSource,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<number | undefined> {
  try {
    const raw = await readVerified(store, descriptor, { ...options, maxSize: MAX_PROFILE_MANIFEST_SIZE });
    return readCreated(parseProfileManifest(raw, descriptor).manifest.annotations);
  } catch (error) {
    if (error instanceof OciError || error instanceof SociIndexError) return undefined;
    throw error;
  }
}

function compare(a: DatedManifest, b: DatedManifest): number {
  const [first, second] = [a.created ?? Number.NEGATIVE_INFINITY, b.created ?? Number.NEGATIVE_INFINITY];
  if (first !== second) return first < second ? -1 : 1;
  return a.descriptor.digest < b.descriptor.digest ? -1 : 1;
}

import {
  type Descriptor,
  digestOf,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  OciError,
  parseDigest,
  parseImageIndex,
} from '@soci/oci';
import { singleUseBytes } from '../client/replayable-body.ts';
import { Retries, systemTiming } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { Context } from '../repository-context.ts';
import { checkManifestSize, readManifest, resolveManifest, sendManifest } from './manifests.ts';

/** Maximum number of writes of an index that other writers keep overwriting. */
const MAX_WRITES = 12;

/** Minimum and maximum delay between a write and the check, in milliseconds. */
const MIN_WAIT = 250;
const MAX_WAIT = 10_000;

/** Ratio of the delay to the time of the client's own read and write, to allow for slower writers. */
const WAIT_FACTOR = 4;

/** Returns the new entries of an index, or undefined if nothing changes. */
type Change = (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined;

/**
 * Lists the referrers of a manifest in the index under its tag. Returns an empty list if the tag does not exist, or does
 * not refer to a list of referrers.
 */
export async function readReferrersTag(context: Context, subject: string): Promise<readonly Descriptor[]> {
  return (await readIndex(context, subject))?.entries ?? [];
}

/** Adds a referrer to the index under the subject's tag. Concurrent writers are supported. */
export async function addToReferrersTag(context: Context, subject: string, referrer: Descriptor): Promise<void> {
  await changeIndex(context, subject, (entries) =>
    entries.some(({ digest }) => digest === referrer.digest) ? undefined : [...entries, referrer],
  );
}

/** Removes a referrer from the index under the subject's tag. An empty index is not deleted. */
export async function removeFromReferrersTag(context: Context, subject: string, referrer: string): Promise<void> {
  await changeIndex(context, subject, (entries) => {
    const others = entries.filter(({ digest }) => digest !== referrer);
    return others.length === entries.length ? undefined : others;
  });
}

/**
 * Returns the referrers tag: algorithm and hash of the digest, truncated to 32 and 64 characters.
 *
 * @see OCI distribution-spec v1.1, "Referrers Tag Schema"
 */
function referrersTag(subject: string): string {
  const { algorithm, hex } = parseDigest(subject);
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

/**
 * Changes an index. The distribution API has no conditional writes: if two writers read the same index, each writes a
 * version without the other's entry, and the later one wins. Therefore each writer checks its entry after writing, and
 * writes again if it is missing. It waits before the check: writers that read earlier have written by then, and writers
 * that read later keep its entry. docs/decisions/012-referrers-tag-and-concurrent-writers.md describes the guarantees
 * and their limits.
 */
async function changeIndex(context: Context, subject: string, change: Change): Promise<void> {
  const tag = referrersTag(subject);
  await context.referrersMutex.run(`${context.path}:${tag}`, async () => {
    const retries = new Retries({ policy: context.retry, renewsCredentials: true, signal: context.signal });
    for (let writes = 0; writes <= MAX_WRITES; writes += 1) {
      const startedAt = performance.now();
      const index = await readIndex(context, subject);
      const changed = change(index?.entries ?? []);
      if (changed === undefined) return;
      if (index === undefined) throw tagUnavailable(context, tag);
      let duration = 0;
      try {
        await writeIndex(context, tag, { ...index.document, manifests: changed });
        duration = performance.now() - startedAt;
      } catch (error) {
        // The next read shows whether the write succeeded.
        await retries.next(error);
      }
      const wait = Math.min(Math.max(duration * WAIT_FACTOR, MIN_WAIT), MAX_WAIT);
      // Add jitter, so that writers that collided do not collide again.
      await systemTiming.wait(wait * (1 + Math.random()), context.signal);
    }
    throw new RegistryError(
      'CONTENDED',
      `the list of referrers ${context.name}:${tag} was overwritten ${MAX_WRITES} times by other writers: try again later`,
    );
  });
}

interface ReferrersIndex {
  /** The index as it was read, to preserve unknown fields. */
  readonly document: object;
  /** Its entries, unmodified. */
  readonly entries: readonly Descriptor[];
}

/**
 * Reads an index. Returns an empty one if the tag does not exist, and undefined if it refers to something else: GitLab
 * resolves `sha256-HEX` to the subject itself.
 */
async function readIndex(context: Context, subject: string): Promise<ReferrersIndex | undefined> {
  const tag = referrersTag(subject);
  try {
    const target = await resolveManifest(context, tag);
    if (target.digest === subject || target.mediaType !== MEDIA_TYPE_OCI_IMAGE_INDEX) return undefined;
    const raw = await readManifest(context, target);
    parseImageIndex(raw, target, context.limits);
    const document = JSON.parse(new TextDecoder().decode(raw));
    return { document, entries: document.manifests ?? [] };
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'RESPONSE_INVALID') return undefined;
    if (!(error instanceof OciError)) throw error;
    if (error.code === 'MANIFEST_INVALID') return undefined;
    if (error.code === 'NOT_FOUND') {
      return { document: { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }, entries: [] };
    }
    throw new OciError(error.code, `the list of referrers ${context.name}:${tag}: ${error.message}`, { cause: error });
  }
}

function tagUnavailable({ name }: Context, tag: string): RegistryError {
  return new RegistryError(
    'UNSUPPORTED',
    `this registry cannot list SOCI indexes of version 1, or other referrers: it has no referrers API, and ${name}:${tag} ` +
      'is not a list of referrers. Create an index of version 2 ("convert"), or use another registry',
  );
}

/**
 * Writes the index once, without retries: a retry could undo the changes of other writers, so the caller reads the
 * index again.
 */
async function writeIndex(context: Context, tag: string, document: object): Promise<void> {
  const raw = new TextEncoder().encode(JSON.stringify(document));
  const target = { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, digest: digestOf(raw), size: raw.length };
  checkManifestSize(context, target);
  await sendManifest(context, target, singleUseBytes(raw), tag);
}

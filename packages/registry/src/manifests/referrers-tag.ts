import {
  type Descriptor,
  digestOf,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  OciError,
  parseDigest,
  parseImageIndex,
} from '@soci/oci';
import { sentOnce } from '../client/replayable-body.ts';
import { Retries, realTiming } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { Context } from '../repository-context.ts';
import { checkManifestSize, readManifest, resolveManifest, sendManifest } from './manifests.ts';

/** How often an index is written that other writers keep replacing. */
const MAX_WRITES = 12;

/** Milliseconds after a write until it is looked at again, at least and at most. */
const MIN_WAIT = 250;
const MAX_WAIT = 10_000;

/** How much longer than our own reading and writing took we wait for the others'. */
const WAIT_FACTOR = 4;

/** What is made of the entries of an index; undefined where there is nothing to do. */
type Change = (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined;

/** The referrers of a manifest as the index under its tag lists them; none where there is no such tag. */
export async function readReferrersTag(context: Context, subject: string): Promise<readonly Descriptor[]> {
  return (await readIndex(context, referrersTag(subject))).entries;
}

/** Writes a referrer into the index under the subject's tag, beside what others write there at the same time. */
export async function addToReferrersTag(context: Context, subject: string, referrer: Descriptor): Promise<void> {
  await changeIndex(context, subject, (entries) =>
    entries.some(({ digest }) => digest === referrer.digest) ? undefined : [...entries, referrer],
  );
}

/** Takes a referrer out of the index under the subject's tag. An index of nothing is left in place. */
export async function removeFromReferrersTag(context: Context, subject: string, referrer: string): Promise<void> {
  await changeIndex(context, subject, (entries) => {
    const others = entries.filter(({ digest }) => digest !== referrer);
    return others.length === entries.length ? undefined : others;
  });
}

/** @see OCI distribution-spec v1.1, "Referrers Tag Schema": the two halves of the digest, cut to 32 and 64 characters */
function referrersTag(subject: string): string {
  const { algorithm, hex } = parseDigest(subject);
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

/**
 * The protocol knows no "write if it is still what I read", so two writers that read the same index each write one
 * without the other's entry, and the later wins. Therefore each looks again after it wrote, and writes again where its
 * entry is gone. It waits before it looks: whoever had read before it wrote has written by then, and whoever reads
 * later carries its entry on. What that guarantees, and what not: docs/decisions/012-referrers-tag-and-concurrent-writers.md.
 */
async function changeIndex(context: Context, subject: string, change: Change): Promise<void> {
  const tag = referrersTag(subject);
  await context.turns.take(`${context.path}:${tag}`, async () => {
    const retries = new Retries({ policy: context.retry, renewsCredentials: true, signal: context.signal });
    for (let writes = 0; writes <= MAX_WRITES; writes += 1) {
      const began = performance.now();
      const { document, entries } = await readIndex(context, tag);
      const changed = change(entries);
      if (changed === undefined) return;
      let window = 0;
      try {
        await writeIndex(context, tag, { ...document, manifests: changed });
        window = performance.now() - began;
      } catch (error) {
        // Whether it was written, reading it again tells.
        await retries.next(error);
      }
      const wait = Math.min(Math.max(window * WAIT_FACTOR, MIN_WAIT), MAX_WAIT);
      // Up to twice as long, lest those who collided collide again.
      await realTiming.wait(wait * (1 + Math.random()), context.signal);
    }
    throw new RegistryError(
      'CONTENDED',
      `the list of referrers ${context.name}:${tag} was replaced by other writers ${MAX_WRITES} times: try again when they are done`,
    );
  });
}

interface ReferrersIndex {
  /** As it was read, so that what is not known here stays. */
  readonly document: object;
  /** What it lists; as written, where it is written again. */
  readonly entries: readonly Descriptor[];
}

/** An index of nothing where there is none yet. */
async function readIndex(context: Context, tag: string): Promise<ReferrersIndex> {
  try {
    const target = await resolveManifest(context, tag);
    const raw = await readManifest(context, target);
    parseImageIndex(raw, target, context.limits);
    const document = JSON.parse(new TextDecoder().decode(raw));
    return { document, entries: document.manifests ?? [] };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    if (error.code === 'NOT_FOUND') {
      return { document: { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }, entries: [] };
    }
    throw new OciError(error.code, `the list of referrers ${context.name}:${tag}: ${error.message}`, { cause: error });
  }
}

/** Writes it once: sent again later it could undo what others wrote meanwhile, so the index is read anew instead. */
async function writeIndex(context: Context, tag: string, document: object): Promise<void> {
  const raw = new TextEncoder().encode(JSON.stringify(document));
  const target = { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, digest: digestOf(raw), size: raw.length };
  checkManifestSize(context, target);
  await sendManifest(context, target, sentOnce(raw), tag);
}

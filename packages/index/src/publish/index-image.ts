import { type CallOptions, type Descriptor, OciError, type Resolver } from '@soci/oci';
import { recognizeConversion } from '../recognize/recognize-conversion.ts';
import { recognizeIndexes } from '../recognize/recognize-indexes.ts';
import { buildAndVerify, verifyExisting, verifyRecompressed } from './build-and-verify.ts';
import { classifyContent } from './classify-content.ts';
import { hasMethods, openJob, type PublishJob } from './job.ts';
import type { IndexImageOptions, IndexSource, IndexTarget } from './options.ts';
import {
  describeNothingToIndex,
  type ImageAlreadyIndexed,
  type ImageRefusalReason,
  type ImageRefused,
  type ImageSkipped,
  type IndexImageResult,
  type PublishedIndex,
} from './result.ts';
import { ResultWriter } from './result-writer.ts';
import { withProfile } from './use-profile.ts';

/** Maximum length of a tag, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/**
 * Indexes an image and publishes the result: a tagged SOCI-enabled image (version 2), or SOCI indexes that refer to the
 * image (version 1).
 *
 * Returns early if the result already exists. Otherwise it reuses zTOCs of unchanged layers, reads the other layers,
 * verifies the index if `proof` is set, and writes leaves before roots. The tag is written last, and only if the source
 * tag still names the image and the output tag is free or names a SOCI-enabled image. While the first layer is read, it
 * checks that the target is writable.
 *
 * @throws SociIndexError `OPTION_INVALID`, or another code for an invalid image; `OciError` `NOT_FOUND` if content of the
 *   image is missing; errors of the stores; the abort reason of `options.signal`.
 */
export async function indexImage(
  source: IndexSource,
  target: IndexTarget,
  options: IndexImageOptions = {},
): Promise<IndexImageResult> {
  const opened = await openJob(source, target, options);
  const { image, isForced, reindex, tags, call } = opened;
  const content = await classifyContent(source.store, image, call);
  if (content.outcome === 'skipped' && !(reindex && content.reason === 'soci-enabled')) return { ...content, image };
  const job = await withProfile(opened);
  // Tags in a layout may be longer.
  const long = tags.find((tag) => tag.length > MAX_TAG_LENGTH);
  if (long !== undefined && hasMethods(target.store, 'pushManifest')) {
    const message = `the tag ${long} has ${long.length} characters, the maximum is ${MAX_TAG_LENGTH}`;
    return refuse(job, 'tag-too-long', message);
  }
  const existing = await resolveOutputTags(job);
  const [current, ...others] = existing.map(({ content }) => content);
  const isOneImage = others.every((other) => other?.digest === current?.digest);
  const found = isForced || !isOneImage ? undefined : await recognize(job, current);
  if (found !== undefined) return verifyExisting(job, found);
  const conflict = await checkTags(job, existing, source.tag);
  if (conflict !== undefined) return conflict;

  const writer = new ResultWriter(job);
  const built = await buildAndVerify(job, writer, current);
  if (built.outcome === 'nothing-to-index') return describeNothingToIndex(built, image, options.minLayerSize);
  if (built.outcome === 'refused') return built;
  const { output } = built;
  const { root } = output;
  await writer.write(output);
  const verified = await verifyRecompressed(job, built);
  if (verified.outcome === 'refused') return verified;

  // The build may have taken minutes: check the tags again.
  if (tags.length > 0) {
    const now = await resolveOutputTags(job);
    if (!isForced && root !== undefined && now.every(({ content }) => content?.digest === root.digest)) {
      return alreadyIndexed(job, { root, indexes: output.indexes });
    }
    const lateConflict = await checkTags(job, now, job.sourceTag);
    if (lateConflict !== undefined) return lateConflict;
  }
  try {
    await writer.tagRoots(output);
  } catch (error) {
    if (!hasCode(error, 'TAG_IMMUTABLE')) throw error;
    return { ...refuse(job, 'tag-immutable', error.message), cause: error };
  }
  const { platforms, layers, indexes } = output;
  const published = publishedIndex(job, { ...(root && { root }), indexes });
  const { bytesRead, proof } = verified;
  return { outcome: 'indexed', ...published, platforms, layers, bytesRead, ...(proof && { proof }) };
}

/**
 * Finds an existing result. With the span size `auto`, this can be an index with the default span size, if the image has no
 * file of the profile.
 */
async function recognize(job: PublishJob, current: Descriptor | undefined): Promise<ImageAlreadyIndexed | undefined> {
  const { build, target, image, call } = job;
  const found = await recognizeBuild(job, current);
  const isGuided = build.spanSize === 'auto' || build.profile !== undefined;
  if (found !== undefined || !isGuided || (build.prefetchFiles ?? []).length > 0) return found;
  const { spanSize: _, profile, ...fixed } = build;
  const unguided = await recognizeBuild({ ...job, build: fixed }, current);
  if (unguided === undefined || !hasMethods(target, 'fetch', 'fetchRange')) return undefined;
  // Loaded only if needed: the functions start faster.
  const { hasProfileFile } = await import('../guided/find-profile-file.ts');
  const options = { profile, limits: build.limits, ...call };
  return (await hasProfileFile(target, unguided.root ?? image, options)) ? undefined : unguided;
}

async function recognizeBuild(
  job: PublishJob,
  current: Descriptor | undefined,
): Promise<ImageAlreadyIndexed | undefined> {
  const { version, source, target, image, build, tag, holdsImage, report } = job;
  if (!hasMethods(target, 'fetch')) return undefined;
  if (version === 2) {
    if (current === undefined) return undefined;
    const found = await recognizeConversion(source, image, current, { ...build, convertedStore: target });
    return found.outcome === 'current' ? alreadyIndexed(job, found) : undefined;
  }
  // The indexes can only be current if the image is in the target, with the output tag if there is one.
  const hasImage = tag === undefined ? holdsImage : current?.digest === image.digest;
  if (!hasImage || !hasMethods(target, 'fetch', 'referrers')) return undefined;
  try {
    const found = await recognizeIndexes(target, image, build);
    return found.outcome === 'current' ? alreadyIndexed(job, found) : undefined;
  } catch (error) {
    // Without permission to list referrers, no index is recognized and the indexes are built again.
    if (!hasCode(error, 'ACCESS_DENIED')) throw error;
    report({ type: 'candidate-skipped', error });
    return undefined;
  }
}

/** A tag of the result, and what it names now. */
interface OutputTag {
  readonly tag: string;
  readonly content: Descriptor | undefined;
}

/** Returns the reason why the result must not be tagged, or undefined. */
async function checkTags(
  job: PublishJob,
  existing: readonly OutputTag[],
  sourceTag: string | undefined,
): Promise<ImageSkipped | ImageRefused | undefined> {
  const { image, version, isForced, overwriteSource, source, target, tag, call } = job;
  if (sourceTag !== undefined && (version === 2 || tag !== undefined)) {
    const now = await resolveTag(source, sourceTag, call);
    if (now?.digest !== image.digest) {
      const message = `the tag ${sourceTag} now names ${now?.digest ?? 'no image'}, not ${image.digest}`;
      return { outcome: 'skipped', reason: 'tag-moved', message, image };
    }
  }
  // With version 1 the tag names a copy of the image. Copying an image always moves the tag.
  if (version === 1 || isForced || !hasMethods(target, 'fetch')) return undefined;
  for (const { tag, content: current } of existing) {
    if (current === undefined || (overwriteSource && current.digest === image.digest)) continue;
    const content = await classifyContent(target, current, call);
    if (content.outcome === 'skipped' && content.reason === 'soci-enabled') continue;
    const message = `the tag ${tag} names ${current.digest}, which is not a SOCI-enabled image: not overwriting it`;
    return refuse(job, 'tag-taken', message);
  }
  return undefined;
}

async function resolveOutputTags({ target, tags, call }: PublishJob): Promise<readonly OutputTag[]> {
  const resolve = async (tag: string) =>
    hasMethods(target, 'resolve') ? await resolveTag(target, tag, call) : undefined;
  return Promise.all(tags.map(async (tag) => ({ tag, content: await resolve(tag) })));
}

/** Resolves a tag. Returns undefined if it does not exist. */
async function resolveTag(store: Resolver, tag: string, call: CallOptions): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(tag, call);
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function publishedIndex(
  { version, image, tag, profile }: PublishJob,
  { root, indexes }: Pick<PublishedIndex, 'root' | 'indexes'>,
): PublishedIndex {
  const optional = { ...(root && { root }), ...(tag !== undefined && { tag }), ...(profile && { profile }) };
  return { version, image, ...optional, indexes };
}

function alreadyIndexed(job: PublishJob, found: Pick<PublishedIndex, 'root' | 'indexes'>): ImageAlreadyIndexed {
  const { root } = found;
  const message =
    root === undefined
      ? 'the image already has these SOCI indexes'
      : `the tag ${job.tag} already names this SOCI-enabled image, ${root.digest}`;
  return { outcome: 'already-indexed', ...publishedIndex(job, found), message };
}

function refuse({ image }: PublishJob, reason: ImageRefusalReason, message: string): ImageRefused {
  return { outcome: 'refused', reason, message, image };
}

/** Checks the code of an error. This package does not depend on a registry client and its error class. */
function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}

import { type CallOptions, type Descriptor, OciError, type Resolver } from '@soci/oci';
import { recognizeConversion } from '../recognize/recognize-conversion.ts';
import { recognizeIndexes } from '../recognize/recognize-indexes.ts';
import { buildProved, proveCurrent } from './build-proved.ts';
import { classifyContent } from './classify-content.ts';
import { can, openJob, type PublishJob } from './job.ts';
import type { IndexImageOptions, IndexSource, IndexTarget } from './options.ts';
import {
  describeNothing,
  type ImageAlreadyIndexed,
  type ImageRefusalReason,
  type ImageRefused,
  type ImageSkipped,
  type IndexImageResult,
  type PublishedIndex,
} from './result.ts';
import { ResultWriter } from './result-writer.ts';

/** Longest tag that a registry takes, in characters. @see OCI distribution-spec v1.1, "Pulling manifests" */
const MAX_TAG_LENGTH = 128;

/**
 * Indexes an image and publishes the result: a SOCI-enabled image under its tag, or SOCI indexes that refer to the image.
 *
 * It recognizes an existing result, reuses zTOCs of unchanged layers, reads the other layers, proves the
 * index if asked to, and writes leaves before roots. The tag comes last, and only if the source tag still names the image
 * and the output tag names nothing but a SOCI-enabled image. While the first layer is read, it checks that the target can
 * be written.
 *
 * @returns What came of it; each outcome has its reason.
 * @throws SociIndexError `OPTION_INVALID`, and the other codes for an image that is broken; `OciError` (`NOT_FOUND`: the
 *   image or a part of it is missing) and what else the stores throw; the reason of `options.signal`.
 */
export async function indexImage(
  source: IndexSource,
  target: IndexTarget,
  options: IndexImageOptions = {},
): Promise<IndexImageResult> {
  const job = await openJob(source, target, options);
  const { image, isForced, reindex, tag, call } = job;
  const content = await classifyContent(source.store, image, call);
  if (content.outcome === 'skipped' && !(reindex && content.reason === 'soci-enabled')) return { ...content, image };
  // Names in a layout may be longer.
  if (tag !== undefined && tag.length > MAX_TAG_LENGTH && can(target.store, 'pushManifest')) {
    return refuse(job, 'tag-too-long', `${tag} has ${tag.length} characters: a tag has ${MAX_TAG_LENGTH} at most`);
  }
  const current = await resolveOutputTag(job);
  const found = isForced ? undefined : await recognize(job, current);
  if (found !== undefined) return proveCurrent(job, found);
  const obstacle = await findObstacle(job, current, source.tag);
  if (obstacle !== undefined) return obstacle;

  const writer = new ResultWriter(job);
  const proved = await buildProved(job, writer, current);
  if (proved.outcome === 'nothing-to-index') return describeNothing(proved, image, options.minLayerSize);
  if (proved.outcome === 'refused') return proved;
  const { made } = proved;
  const { root } = made;
  await writer.write(made);

  // Minutes may have passed.
  if (tag !== undefined) {
    const now = await resolveOutputTag(job);
    if (!isForced && root !== undefined && now?.digest === root.digest) {
      return alreadyIndexed(job, { root, indexes: made.indexes });
    }
    const late = await findObstacle(job, now, job.sourceTag);
    if (late !== undefined) return late;
  }
  try {
    await writer.name(made);
  } catch (error) {
    if (!hasCode(error, 'TAG_IMMUTABLE')) throw error;
    return { ...refuse(job, 'tag-immutable', error.message), cause: error };
  }
  const { platforms, layers, indexes } = made;
  const published = publishedIndex(job, { ...(root && { root }), indexes });
  const { bytesRead, proof } = proved;
  return { outcome: 'indexed', ...published, platforms, layers, bytesRead, ...(proof && { proof }) };
}

async function recognize(job: PublishJob, current: Descriptor | undefined): Promise<ImageAlreadyIndexed | undefined> {
  const { version, source, target, image, build, tag, holdsImage, report } = job;
  if (!can(target, 'fetch')) return undefined;
  if (version === 2) {
    if (current === undefined) return undefined;
    const found = await recognizeConversion(source, image, current, { ...build, convertedStore: target });
    return found.outcome === 'current' ? alreadyIndexed(job, found) : undefined;
  }
  // The image is where the indexes are, and has the tag that it is to have.
  const isThere = tag === undefined ? holdsImage : current?.digest === image.digest;
  if (!isThere || !can(target, 'fetch', 'referrers')) return undefined;
  try {
    const found = await recognizeIndexes(target, image, build);
    return found.outcome === 'current' ? alreadyIndexed(job, found) : undefined;
  } catch (error) {
    // Without the permission to list referrers nothing can be recognized, and the indexes are made again.
    if (!hasCode(error, 'ACCESS_DENIED')) throw error;
    report({ type: 'candidate-skipped', error });
    return undefined;
  }
}

/** Why the result must not get its tag; undefined if nothing is in the way. */
async function findObstacle(
  job: PublishJob,
  current: Descriptor | undefined,
  sourceTag: string | undefined,
): Promise<ImageSkipped | ImageRefused | undefined> {
  const { image, version, isForced, source, target, tag, call } = job;
  if (sourceTag !== undefined && (version === 2 || tag !== undefined)) {
    const now = await resolveTag(source, sourceTag, call);
    if (now?.digest !== image.digest) {
      const message = `the tag ${sourceTag} names ${now?.digest ?? 'nothing'} by now, not ${image.digest}`;
      return { outcome: 'skipped', reason: 'tag-moved', message, image };
    }
  }
  // With version 1 the tag is that of a copy of the image, which moves as with any copy.
  if (current === undefined || version === 1 || isForced || !can(target, 'fetch')) return undefined;
  const content = await classifyContent(target, current, call);
  if (content.outcome === 'skipped' && content.reason === 'soci-enabled') return undefined;
  const message = `the tag ${tag} names ${current.digest}, which is not a SOCI-enabled image: it is left as it is`;
  return refuse(job, 'tag-taken', message);
}

async function resolveOutputTag({ target, tag, call }: PublishJob): Promise<Descriptor | undefined> {
  return tag === undefined || !can(target, 'resolve') ? undefined : resolveTag(target, tag, call);
}

/** What a tag names now; undefined if it names nothing. */
async function resolveTag(store: Resolver, tag: string, call: CallOptions): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(tag, call);
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function publishedIndex(
  { version, image, tag }: PublishJob,
  { root, indexes }: Pick<PublishedIndex, 'root' | 'indexes'>,
): PublishedIndex {
  return { version, image, ...(root && { root }), ...(tag !== undefined && { tag }), indexes };
}

function alreadyIndexed(job: PublishJob, found: Pick<PublishedIndex, 'root' | 'indexes'>): ImageAlreadyIndexed {
  const { root } = found;
  const message =
    root === undefined
      ? 'the SOCI indexes that would be made refer to the image already'
      : `the tag ${job.tag} names the SOCI-enabled image that would be made, ${root.digest}`;
  return { outcome: 'already-indexed', ...publishedIndex(job, found), message };
}

function refuse({ image }: PublishJob, reason: ImageRefusalReason, message: string): ImageRefused {
  return { outcome: 'refused', reason, message, image };
}

/** Errors of a registry client are known by their code: this package knows no client. */
function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}

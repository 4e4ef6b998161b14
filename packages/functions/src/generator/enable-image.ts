import { convertImage, recognizeConversion } from '@soci/index';
import { type Descriptor, isTag, OciError } from '@soci/oci';
import { buildOptions, buildProved } from './build-proved.ts';
import { classifyContent } from './classify-content.ts';
import type { IndexJob } from './index-job.ts';
import { describeNothing } from './nothing-to-index.ts';
import { type Failed, failed, type Outcome, type Skipped, skipped } from './outcome.ts';
import { pushArtifacts } from './push-artifacts.ts';
import { reusableLayers } from './reusable-layers.ts';

/**
 * Makes a SOCI-enabled image of an image (version 2), and names it. The name is given last, and only while the image still
 * bears its own, and nothing else than a SOCI-enabled image bears it.
 */
export async function enableImage(job: IndexJob): Promise<Outcome> {
  const { tag, image, repository, settings, log, progress, signal } = job;
  const call = { signal };
  const { outputTag: template } = settings;
  if (template.needsTag && tag === undefined) {
    return skipped('untagged', 'it has no tag, after which its index would be named');
  }
  const outputTag = template.format({ digest: image.digest, ...(tag !== undefined && { tag }) });
  if (outputTag !== undefined && !isTag(outputTag)) {
    return failed('tag-too-long', `${outputTag} has ${outputTag.length} characters: a tag has 128 at most`);
  }
  const current = outputTag === undefined ? undefined : await resolveTag(job, outputTag);
  if (current !== undefined) {
    const found = await recognizeConversion(repository, image, current, buildOptions(settings, signal));
    if (found.outcome === 'current') return alreadyIndexed(outputTag, current);
  }
  const obstacle = await findObstacle(job, outputTag, current);
  if (obstacle !== undefined) return obstacle;

  const reuse = settings.reuseLayers
    ? reusableLayers(repository, current, outputTag ?? tag ?? '', call, log)
    : undefined;
  const proved = await buildProved(job, (options) => convertImage(repository, image, options), reuse);
  if (proved.outcome === 'nothing-to-index') return describeNothing(proved, settings.minLayerSize);
  const { root, indexes, artifacts } = proved.made;
  progress.enter('pushing the index');
  await pushArtifacts(repository, artifacts, call);

  // Minutes may have passed.
  if (outputTag !== undefined) {
    const now = await resolveTag(job, outputTag);
    // Another invocation for the same event was faster.
    if (now?.digest === root.digest) return alreadyIndexed(outputTag, root);
    const late = await findObstacle(job, outputTag, now);
    if (late !== undefined) return late;
  }
  const content = artifacts.find(({ descriptor }) => descriptor.digest === root.digest)?.content as Uint8Array;
  await repository.pushManifest(root, content, { ...call, ...(outputTag !== undefined && { tag: outputTag }) });
  return {
    outcome: 'indexed',
    version: 2,
    root,
    ...(outputTag !== undefined && { outputTag }),
    indexes,
    ...proved.counts,
  };
}

/** Why the image must not have its index under this tag; undefined where nothing speaks against it. */
async function findObstacle(
  job: IndexJob,
  outputTag: string | undefined,
  current: Descriptor | undefined,
): Promise<Skipped | Failed | undefined> {
  const { tag, image, repository, signal } = job;
  if (tag !== undefined) {
    const now = await resolveTag(job, tag);
    if (now?.digest !== image.digest) {
      return skipped('tag-moved', `the tag ${tag} names ${now?.digest ?? 'nothing'} by now, not ${image.digest}`);
    }
  }
  if (current === undefined) return undefined;
  const content = await classifyContent(repository, current.digest, { signal });
  if (content.outcome === 'skipped' && content.reason === 'soci-enabled') return undefined;
  const message = `the tag ${outputTag} names ${current.digest}, which is no SOCI-enabled image: it is left as it is`;
  return failed('tag-taken', `${message}. Rename it, or set soci_output_tag to another template`);
}

/** What a tag names now; undefined where it names nothing. */
async function resolveTag({ repository, signal }: IndexJob, tag: string): Promise<Descriptor | undefined> {
  try {
    return await repository.resolve(tag, { signal });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function alreadyIndexed(outputTag: string | undefined, root: Descriptor): Skipped {
  const message = `the tag ${outputTag} names the SOCI-enabled image that would be made, ${root.digest}`;
  return { ...skipped('already-indexed', message), root, ...(outputTag !== undefined && { outputTag }) };
}

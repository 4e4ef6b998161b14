import { buildSociIndex, recognizeIndexes } from '@soci/index';
import { RegistryError } from '@soci/registry';
import { buildOptions, buildProved } from './build-proved.ts';
import type { IndexJob } from './index-job.ts';
import { describeNothing } from './nothing-to-index.ts';
import { type Outcome, skipped } from './outcome.ts';
import { pushArtifacts } from './push-artifacts.ts';
import { reusableLayers } from './reusable-layers.ts';

/** Makes SOCI indexes of version 1: manifests that refer to the image, which stays as it is. They have no tags. */
export async function referToImage(job: IndexJob): Promise<Outcome> {
  const { tag, image, repository, settings, log, progress, signal } = job;
  if (await hasIndexes(job)) {
    return skipped('already-indexed', 'the SOCI indexes that would be made refer to it already');
  }
  const reuse = settings.reuseLayers ? reusableLayers(repository, undefined, tag ?? '', { signal }, log) : undefined;
  const proved = await buildProved(job, (options) => buildSociIndex(repository, image, options), reuse);
  if (proved.outcome === 'nothing-to-index') return describeNothing(proved, settings.minLayerSize);
  progress.enter('pushing the index');
  await pushArtifacts(repository, proved.made.artifacts, { signal });
  return { outcome: 'indexed', version: 1, indexes: proved.made.indexes, ...proved.counts };
}

/** Whether the indexes are there already. A role that may not list referrers is not told, and they are made again. */
async function hasIndexes({ image, repository, settings, log, signal }: IndexJob): Promise<boolean> {
  try {
    return (await recognizeIndexes(repository, image, buildOptions(settings, signal))).outcome === 'current';
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === 'ACCESS_DENIED')) throw error;
    log.debug('whether there are indexes already cannot be told', { error });
    return false;
  }
}

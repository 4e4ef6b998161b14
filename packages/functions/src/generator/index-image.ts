import { classifyContent } from './classify-content.ts';
import { enableImage } from './enable-image.ts';
import { permanentOutcome } from './failure.ts';
import type { IndexJob } from './index-job.ts';
import type { Outcome } from './outcome.ts';
import { referToImage } from './refer-to-image.ts';

/** What may be an image, by its digest, and what indexing it takes. */
export interface ImageToIndex extends Omit<IndexJob, 'image'> {
  readonly digest: string;
}

/**
 * Indexes what a digest names, where that is an image. What would not work, however often it were tried, is an outcome like
 * any other.
 *
 * @throws What may succeed when it is tried again, as it comes.
 */
export async function indexImage({ digest, ...rest }: ImageToIndex): Promise<Outcome> {
  const { repository, settings, log, signal } = rest;
  try {
    const content = await classifyContent(repository, digest, { signal });
    if (content.outcome === 'skipped') return content;
    const job: IndexJob = { ...rest, image: content.image };
    return await (settings.version === 2 ? enableImage(job) : referToImage(job));
  } catch (error) {
    const permanent = permanentOutcome(signal.aborted ? signal.reason : error);
    if (permanent === undefined) throw error;
    log.debug('it failed for good', { error });
    return permanent;
  }
}

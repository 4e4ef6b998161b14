import type { EcrEvent } from '@soci/filter';
import type { Failed, Indexed } from './outcome.ts';

/** `detail-type` of the event for a new index. `SociIndexBuilder.onIndexed` matches it. */
const INDEX_READY = 'SOCI Index Ready';

/** `detail-type` of the event for an image that cannot be indexed. `SociIndexBuilder.onFailed` matches it. */
const INDEX_FAILED = 'SOCI Index Failed';

/** An outcome that has an event. */
export type Announced = Indexed | Failed;

/** Returns the type and the detail of an event. The detail has the field names of Amazon ECR events. */
export function announcementOf(
  event: EcrEvent,
  outcome: Announced,
): { readonly type: string; readonly detail: object } {
  const { account, region, repository, tag, digest } = event;
  const image = {
    'registry-id': account,
    region,
    'repository-name': repository,
    ...(tag !== undefined && { 'image-tag': tag }),
    'image-digest': digest,
  };
  if (outcome.outcome === 'failed') {
    return { type: INDEX_FAILED, detail: { ...image, reason: outcome.reason, message: outcome.message } };
  }
  const detail = {
    ...image,
    'soci-index-version': `V${outcome.version}`,
    ...(outcome.outputTag !== undefined && { 'soci-image-tag': outcome.outputTag }),
    ...(outcome.root && { 'soci-image-digest': outcome.root.digest }),
    'soci-index-digests': outcome.indexes.map(({ digest: each }) => each),
  };
  return { type: INDEX_READY, detail };
}

import type { EcrEvent } from '@soci/filter';
import type { Indexed } from './outcome.ts';

/** `detail-type` of the event. */
export const INDEX_READY = 'SOCI Index Ready';

/** Returns the detail of the event, with the field names of Amazon ECR events. */
export function indexReadyDetail({ account, region, repository, tag, digest }: EcrEvent, indexed: Indexed): object {
  return {
    'registry-id': account,
    region,
    'repository-name': repository,
    ...(tag !== undefined && { 'image-tag': tag }),
    'image-digest': digest,
    'soci-index-version': `V${indexed.version}`,
    ...(indexed.outputTag !== undefined && { 'soci-image-tag': indexed.outputTag }),
    ...(indexed.root && { 'soci-image-digest': indexed.root.digest }),
    'soci-index-digests': indexed.indexes.map(({ digest: each }) => each),
  };
}

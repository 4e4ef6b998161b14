// What stands under `detail`, for each kind of event, and what it comes down to.
import * as v from 'valibot';
import {
  ACCOUNT,
  DIGEST,
  jsonObject,
  MEDIA_TYPE,
  REGION,
  REPOSITORY,
  TAG,
  TEXT,
  VERSION,
  WORD,
} from './event-fields.ts';
import type { EcrEventKind } from './event-kind.ts';

/** How an action ends that did what it should. */
export const SUCCESS = 'SUCCESS';

/** The action that brings an image. */
export const PUSH = 'PUSH';

/** What all kinds of event say, in one form. */
export interface EventDetail {
  /** Name of the repository, without the registry's host. */
  readonly repository: string;
  /** Tag that was set; absent where none was. */
  readonly tag?: string;
  /** Digest of the image; absent only where the action failed. */
  readonly digest?: string;
  /** What was done: `PUSH`, `DELETE`, or what Amazon ECR may come to send. A pull through a cache is a `PUSH`. */
  readonly action: string;
  /** How it ended: `SUCCESS`, or anything else. */
  readonly result: string;
  /** Media type of the manifest. Absent with replications and pulls through a cache, and in older events. */
  readonly manifestType?: string;
  /** Media type of the manifest's configuration. Absent where {@link EventDetail.manifestType} is, and with image indexes. */
  readonly artifactType?: string;
}

/** The schema of `detail` in events of this kind; `detail` itself tells whether there must be a digest. */
export function detailSchema(kind: EcrEventKind, detail: object): v.GenericSchema<unknown, EventDetail> {
  switch (kind) {
    case 'push':
      return v.pipe(jsonObject(actionEntries(detail)), v.transform(toActionDetail));
    case 'replication': {
      const origin = { 'source-account': ACCOUNT, 'source-region': REGION };
      return v.pipe(
        jsonObject({ ...actionEntries(detail), ...origin }),
        v.transform((fields) => toActionDetail(fields)),
      );
    }
    case 'pull-through-cache':
      return v.pipe(jsonObject(cacheEntries(detail)), v.transform(toCacheDetail));
  }
}

function actionEntries(detail: object) {
  return {
    result: WORD,
    ...imageEntries(detail, 'result'),
    'action-type': WORD,
    'manifest-media-type': v.optional(MEDIA_TYPE),
    'artifact-media-type': v.optional(MEDIA_TYPE),
  };
}

function cacheEntries(detail: object) {
  return {
    'sync-status': WORD,
    ...imageEntries(detail, 'sync-status'),
    'rule-version': v.optional(VERSION),
    'ecr-repository-prefix': v.optional(TEXT),
    'upstream-registry-url': v.optional(TEXT),
    'failure-code': v.optional(TEXT),
    'failure-reason': v.optional(TEXT),
  };
}

/** What failed need not have come to a digest. */
function imageEntries(detail: object, status: string) {
  const succeeded = (detail as Record<string, unknown>)[status] === SUCCESS;
  return {
    'repository-name': REPOSITORY,
    'image-digest': succeeded ? DIGEST : v.optional(DIGEST),
    'image-tag': v.optional(TAG),
  };
}

type Fields<Entries extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<Entries, undefined>>;

function toActionDetail(fields: Fields<ReturnType<typeof actionEntries>>): EventDetail {
  return {
    ...toImage(fields),
    action: fields['action-type'],
    result: fields.result,
    ...(fields['manifest-media-type'] && { manifestType: fields['manifest-media-type'] }),
    ...(fields['artifact-media-type'] && { artifactType: fields['artifact-media-type'] }),
  };
}

function toCacheDetail(fields: Fields<ReturnType<typeof cacheEntries>>): EventDetail {
  return { ...toImage(fields), action: PUSH, result: fields['sync-status'] };
}

/** Amazon ECR sends empty text where there is no tag; that is as good as no field. */
function toImage(fields: Fields<ReturnType<typeof imageEntries>>): Pick<EventDetail, 'repository' | 'tag' | 'digest'> {
  return {
    repository: fields['repository-name'],
    ...(fields['image-tag'] && { tag: fields['image-tag'] }),
    ...(fields['image-digest'] && { digest: fields['image-digest'] }),
  };
}

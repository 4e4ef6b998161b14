import * as v from 'valibot';
import { type Fault, FilterError, quoteShort } from './errors.ts';
import {
  ACCOUNT,
  DIGEST,
  EVENT_ID,
  isJsonObject,
  jsonObject,
  MEDIA_TYPE,
  oneOf,
  PUSH,
  REGION,
  REPOSITORY,
  RESOURCES,
  SUCCESS,
  TAG,
  TEXT,
  TIME,
  VERSION,
  WORD,
} from './event-fields.ts';

/**
 * The events that can lead to an index:
 *
 * - `push`: an image was pushed, or a tag was set (`ECR Image Action`);
 * - `replication`: an image came from another region or account (`ECR Replication Action`, sent where it arrived);
 * - `pull-through-cache`: an image was fetched from an upstream registry (`ECR Pull Through Cache Action`).
 */
export type EcrEventKind = 'push' | 'replication' | 'pull-through-cache';

/** What an event of Amazon ECR says, every field checked. */
export interface EcrEvent {
  /** What brought the image. */
  readonly kind: EcrEventKind;
  /** EventBridge's number for the event. The same event may come twice, under one number. */
  readonly id?: string;
  /** When it happened, in RFC 3339. */
  readonly time?: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  /** Region of the registry. */
  readonly region: string;
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
  /** Media type of the manifest's configuration. Absent where {@link EcrEvent.manifestType} is, and with image indexes. */
  readonly artifactType?: string;
}

/** Options of {@link parseEcrEvent}. */
export interface EventOptions {
  /** The kinds of event that are accepted. Others are refused. @default `['push']` */
  readonly kinds?: readonly EcrEventKind[];
}

/** The kinds of event that are accepted by default. */
export const DEFAULT_KINDS: readonly EcrEventKind[] = ['push'];

/** @see Amazon ECR User Guide, "Sample events from Amazon ECR" */
const DETAIL_TYPES: Readonly<Record<EcrEventKind, string>> = {
  push: 'ECR Image Action',
  replication: 'ECR Replication Action',
  'pull-through-cache': 'ECR Pull Through Cache Action',
};

/**
 * The `detail-type` of each of these kinds, in their order.
 *
 * @throws FilterError `OPTION_INVALID` if there are none, or if one is unknown.
 */
export function detailTypesOf(kinds: readonly EcrEventKind[]): string[] {
  const unknown = kinds.filter((kind) => !Object.hasOwn(DETAIL_TYPES, kind));
  if (kinds.length > 0 && unknown.length === 0) return kinds.map((kind) => DETAIL_TYPES[kind]);
  const known = Object.keys(DETAIL_TYPES).join(', ');
  const given = kinds.length === 0 ? 'is empty' : `has ${unknown.map(quoteShort).join(', ')}`;
  throw new FilterError('OPTION_INVALID', 'invalid options', [
    { path: 'kinds', problem: `${given}: expected one or more of ${known}` },
  ]);
}

/**
 * Reads an event as EventBridge hands it on, from parsed JSON. Fields that are not known here are left alone: Amazon
 * ECR adds some from time to time.
 *
 * @throws FilterError `EVENT_INVALID`, with every fault there is; `OPTION_INVALID`.
 * @see Amazon ECR User Guide, "Sample events from Amazon ECR"
 */
export function parseEcrEvent(input: unknown, { kinds = DEFAULT_KINDS }: EventOptions = {}): EcrEvent {
  const detailTypes = detailTypesOf(kinds);
  const event = isJsonObject(input) ? input : {};
  const kind = kinds[detailTypes.indexOf(event['detail-type'] as string)];
  const schema = jsonObject({
    version: v.optional(VERSION),
    id: v.optional(EVENT_ID),
    'detail-type': oneOf(detailTypes),
    source: oneOf(['aws.ecr']),
    account: ACCOUNT,
    time: v.optional(TIME),
    region: REGION,
    resources: v.optional(RESOURCES),
    // The fields of an event of another kind are not known.
    detail: jsonObject(kind === undefined || !isJsonObject(event.detail) ? {} : detailEntries(kind, event.detail)),
  });
  const { issues, output } = v.safeParse(schema, input);
  if (issues !== undefined || kind === undefined) {
    throw new FilterError('EVENT_INVALID', 'not an event that is taken here', issues?.map(toFault) ?? []);
  }
  const { id, time, account, region, detail } = output;
  return { kind, ...(id && { id }), ...(time && { time }), account, region, ...readDetail(detail as DetailFields) };
}

function toFault(issue: v.BaseIssue<unknown>): Fault {
  const { input, message } = issue;
  const problem = input === undefined ? 'is missing' : `is ${quoteShort(input)}: expected ${message}`;
  return { path: v.getDotPath(issue) ?? '', problem };
}

type DetailFields = Readonly<Record<string, string | undefined>>;

/** The fields of `detail` in an event of this kind. An action that failed may have no digest. */
function detailEntries(kind: EcrEventKind, detail: Readonly<Record<string, unknown>>): v.ObjectEntries {
  const status = kind === 'pull-through-cache' ? 'sync-status' : 'result';
  const image = {
    [status]: WORD,
    'repository-name': REPOSITORY,
    'image-digest': detail[status] === SUCCESS ? DIGEST : v.optional(DIGEST),
    'image-tag': v.optional(TAG),
  };
  if (kind === 'pull-through-cache') {
    return {
      ...image,
      'rule-version': v.optional(VERSION),
      'ecr-repository-prefix': v.optional(TEXT),
      'upstream-registry-url': v.optional(TEXT),
      'failure-code': v.optional(TEXT),
      'failure-reason': v.optional(TEXT),
    };
  }
  return {
    ...image,
    'action-type': WORD,
    'manifest-media-type': v.optional(MEDIA_TYPE),
    'artifact-media-type': v.optional(MEDIA_TYPE),
    ...(kind === 'replication' && { 'source-account': ACCOUNT, 'source-region': REGION }),
  };
}

/** Reads a checked `detail`. Amazon ECR sends empty text for a missing tag, which is the same as no field. */
function readDetail(detail: DetailFields) {
  const tag = detail['image-tag'];
  const digest = detail['image-digest'];
  const manifestType = detail['manifest-media-type'];
  const artifactType = detail['artifact-media-type'];
  return {
    repository: detail['repository-name'] as string,
    ...(tag && { tag }),
    ...(digest && { digest }),
    action: detail['action-type'] ?? PUSH,
    result: (detail.result ?? detail['sync-status']) as string,
    ...(manifestType && { manifestType }),
    ...(artifactType && { artifactType }),
  };
}

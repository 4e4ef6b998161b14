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
 * Kind of an event that can lead to an index:
 *
 * - `push`: an image was pushed, or a tag was set (`ECR Image Action`);
 * - `replication`: an image was replicated from another Region or account (`ECR Replication Action`, emitted at the destination);
 * - `pull-through-cache`: an image was fetched from an upstream registry (`ECR Pull Through Cache Action`).
 */
export type EcrEventKind = 'push' | 'replication' | 'pull-through-cache';

/** A validated event of Amazon ECR. */
export interface EcrEvent {
  /** How the image got into the registry. */
  readonly kind: EcrEventKind;
  /** Event id of EventBridge. Duplicate deliveries of an event have the same id. */
  readonly id?: string;
  /** Time of the event, in RFC 3339 format. */
  readonly time?: string;
  /** Account id of the registry, 12 digits. */
  readonly account: string;
  /** Region of the registry. */
  readonly region: string;
  /** Name of the repository, without the registry host. */
  readonly repository: string;
  /** Tag that was set. Absent if the image was pushed without a tag. */
  readonly tag?: string;
  /** Digest of the image. Absent only if the action failed. */
  readonly digest?: string;
  /** Action, such as `PUSH` or `DELETE`. Unknown actions are possible. A pull through a cache is a `PUSH`. */
  readonly action: string;
  /** Result: `SUCCESS`, or another value for a failure. */
  readonly result: string;
  /** Media type of the manifest. Absent in older events and in those of replications and pulls through a cache. */
  readonly manifestType?: string;
  /** Media type of the config in the manifest. Absent if {@link EcrEvent.manifestType} is absent, and for image indexes. */
  readonly artifactType?: string;
}

/** Options of {@link parseEcrEvent}. */
export interface EventOptions {
  /** Accepted kinds of events. Others are rejected. @default `['push']` */
  readonly kinds?: readonly EcrEventKind[];
}

/** Kinds of events that are accepted by default. */
export const DEFAULT_KINDS: readonly EcrEventKind[] = ['push'];

/** @see Amazon ECR User Guide, "Sample events from Amazon ECR" */
const DETAIL_TYPES: Readonly<Record<EcrEventKind, string>> = {
  push: 'ECR Image Action',
  replication: 'ECR Replication Action',
  'pull-through-cache': 'ECR Pull Through Cache Action',
};

/**
 * Returns the `detail-type` of each kind, in the same order.
 *
 * @throws FilterError `OPTION_INVALID` if `kinds` is empty or contains an unknown kind.
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
 * Validates an event that EventBridge delivered, as parsed JSON. Unknown fields are ignored, because Amazon ECR adds fields
 * from time to time.
 *
 * @throws FilterError `EVENT_INVALID` with all faults, or `OPTION_INVALID`.
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
    // The fields of other kinds are unknown.
    detail: jsonObject(kind === undefined || !isJsonObject(event.detail) ? {} : detailEntries(kind, event.detail)),
  });
  const { issues, output } = v.safeParse(schema, input);
  if (issues !== undefined || kind === undefined) {
    throw new FilterError('EVENT_INVALID', 'invalid event', issues?.map(toFault) ?? []);
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

/** Returns the schemas for the fields of `detail`. A failed action may have no digest. */
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

/** Reads a validated `detail`. An empty string, which Amazon ECR sends for a missing tag, is treated as absent. */
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

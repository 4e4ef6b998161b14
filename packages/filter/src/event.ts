import * as v from 'valibot';
import { type Fault, FilterError } from './errors.ts';
import { detailSchema, type EventDetail } from './event-detail.ts';
import {
  ACCOUNT,
  EVENT_ID,
  isJsonObject,
  jsonObject,
  oneOf,
  REGION,
  RESOURCES,
  TIME,
  VERSION,
} from './event-fields.ts';
import { DEFAULT_KINDS, detailTypesOf, type EcrEventKind } from './event-kind.ts';
import { quoteShort } from './quote.ts';

/** What an event of Amazon ECR says, every field checked. */
export interface EcrEvent extends EventDetail {
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
}

/** Which events are taken. */
export interface EventOptions {
  /**
   * The kinds of event that are taken; the others are refused.
   *
   * @default `['push']`
   */
  readonly kinds?: readonly EcrEventKind[];
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
    // Of an event of another kind nothing is known about what stands in it.
    detail: kind === undefined || !isJsonObject(event.detail) ? jsonObject({}) : detailSchema(kind, event.detail),
  });
  const { issues, output } = v.safeParse(schema, input);
  if (issues !== undefined || kind === undefined) {
    throw new FilterError('EVENT_INVALID', 'not an event that is taken here', issues?.map(toFault) ?? []);
  }
  const { id, time, account, region, detail } = output;
  return { kind, ...(id && { id }), ...(time && { time }), account, region, ...(detail as EventDetail) };
}

function toFault(issue: v.BaseIssue<unknown>): Fault {
  const { input, message } = issue;
  const problem = input === undefined ? 'is missing' : `is ${quoteShort(input)}: expected ${message}`;
  return { path: v.getDotPath(issue) ?? '', problem };
}

import { quoteShort } from './errors.ts';
import type { EcrEvent } from './event.ts';
import { IMAGE_CONFIG_TYPES, IMAGE_MANIFEST_TYPES, PUSH, SUCCESS } from './event-fields.ts';
import type { Filters } from './filters.ts';

/**
 * Why an event is ignored without a look at filters:
 *
 * - `other-account`, `other-region`: it is not from the expected account or Region;
 * - `not-a-push`: an image was deleted, or the action is another one;
 * - `not-successful`: the push failed;
 * - `not-an-image`: its media types are those of an artifact: a SOCI index, an attestation, a Helm chart.
 */
export type EventIgnoreReason = 'other-account' | 'other-region' | 'not-a-push' | 'not-successful' | 'not-an-image';

/**
 * Why an event leads to no index: a reason of {@link EventIgnoreReason}, or
 *
 * - `untagged`: the image has no tag, such as each platform of an image index;
 * - `excluded`: a filter with a `!` matches it;
 * - `no-match`: no filter matches it.
 */
export type IgnoreReason = EventIgnoreReason | 'untagged' | 'excluded' | 'no-match';

/** The image of an event that {@link checkEvent} accepts. */
export interface AcceptedEvent {
  /** The event is about an image that can be indexed. */
  readonly outcome: 'index';
  /** `repository:tag`; ends with the colon if the image has no tag. */
  readonly image: string;
  /** Digest of the image. */
  readonly digest: string;
}

/** An event that leads to no index. */
export interface IgnoredEvent<Reason extends IgnoreReason = IgnoreReason> {
  /** There is nothing to do. */
  readonly outcome: 'ignore';
  /** `repository:tag`; ends with the colon if the image has no tag. */
  readonly image: string;
  /** The reason, for programs. */
  readonly reason: Reason;
  /** The reason, for people: the end of a sentence, such as `the action is DELETE`. */
  readonly explanation: string;
}

/** The result of {@link decide}. */
export type Decision =
  | (AcceptedEvent & {
      /** The filter that matches, as it was written. */
      readonly filter: string;
    })
  | IgnoredEvent;

/** Account and Region whose images are indexed. */
export interface EventLocation {
  /** The account, 12 digits. @default - any */
  readonly account?: string;
  /** The Region. @default - any */
  readonly region?: string;
}

/** Options of {@link decide}. */
export interface DecideOptions extends EventLocation {
  /**
   * Whether images without a tag are matched too, as `repository:`. A push of an image index raises one such event for each
   * of its platforms, in addition to the tagged one; so does the index of a conversion.
   *
   * @default false
   */
  readonly untagged?: boolean;
}

/**
 * Checks that an event is a successful push of an image, tagged or not, at the expected location. This is all of
 * {@link decide} that needs no filters. The content of the image is not known yet.
 */
export function checkEvent(
  event: EcrEvent,
  { account = event.account, region = event.region }: EventLocation = {},
): AcceptedEvent | IgnoredEvent<EventIgnoreReason> {
  const image = `${event.repository}:${event.tag ?? ''}`;
  const ignore = (reason: EventIgnoreReason, explanation: string) => ignored(image, reason, explanation);

  if (event.account !== account) return ignore('other-account', `it is of account ${event.account}, not ${account}`);
  if (event.region !== region) return ignore('other-region', `it is of region ${event.region}, not ${region}`);
  if (event.action !== PUSH) return ignore('not-a-push', `the action is ${event.action}`);
  if (event.result !== SUCCESS || event.digest === undefined) {
    return ignore('not-successful', `the result is ${event.result}`);
  }
  const foreign = foreignType(event);
  if (foreign !== undefined) return ignore('not-an-image', `its media type is ${quoteShort(foreign)}`);
  return { outcome: 'index', image, digest: event.digest };
}

/** Decides whether the image of an event is indexed: {@link checkEvent}, then its tag, then the filters. */
export function decide(event: EcrEvent, filters: Filters, options: DecideOptions = {}): Decision {
  const checked = checkEvent(event, options);
  if (checked.outcome === 'ignore') return checked;
  const { image } = checked;
  if (event.tag === undefined && !options.untagged) return ignored(image, 'untagged', 'it has no tag');

  const exclusion = filters.exclude.find((filter) => filter.matches(image));
  if (exclusion !== undefined) return ignored(image, 'excluded', `!${exclusion.text} excludes it`);
  const match = filters.include.find((filter) => filter.matches(image));
  if (match === undefined) return ignored(image, 'no-match', `none of ${filters.include.length} filters matches it`);
  return { ...checked, filter: match.text };
}

function ignored<Reason extends IgnoreReason>(
  image: string,
  reason: Reason,
  explanation: string,
): IgnoredEvent<Reason> {
  return { outcome: 'ignore', image, reason, explanation };
}

/** The media type that no image has, if any. A type that the event does not name is not checked. */
function foreignType({ manifestType, artifactType }: EcrEvent): string | undefined {
  if (manifestType !== undefined && !IMAGE_MANIFEST_TYPES.includes(manifestType)) return manifestType;
  if (artifactType !== undefined && !IMAGE_CONFIG_TYPES.includes(artifactType)) return artifactType;
  return undefined;
}

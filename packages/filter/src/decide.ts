import { quoteShort } from './errors.ts';
import type { EcrEvent } from './event.ts';
import { IMAGE_CONFIG_TYPES, IMAGE_MANIFEST_TYPES, PUSH, SUCCESS } from './event-fields.ts';
import type { Filters } from './filters.ts';

/**
 * Reason to ignore an event that does not depend on filters:
 *
 * - `other-account`, `other-region`: the event is not from the expected account, a member account or the expected Region;
 * - `not-a-push`: the action is not `PUSH`, for example a deletion;
 * - `not-successful`: the push failed;
 * - `not-an-image`: the media types are those of an artifact, such as a SOCI index, an attestation or a Helm chart.
 */
export type EventIgnoreReason = 'other-account' | 'other-region' | 'not-a-push' | 'not-successful' | 'not-an-image';

/**
 * Reason to ignore an event: a reason of {@link EventIgnoreReason}, or
 *
 * - `untagged`: the image has no tag, such as each platform of an image index;
 * - `excluded`: a filter with `!` matches it;
 * - `no-match`: no filter matches it.
 */
export type IgnoreReason = EventIgnoreReason | 'untagged' | 'excluded' | 'no-match';

/** The image of an accepted event. */
export interface AcceptedEvent {
  /** The image should be indexed. */
  readonly outcome: 'index';
  /** `repository:tag`, or `repository:` if the image has no tag. */
  readonly image: string;
  /** Digest of the image. */
  readonly digest: string;
}

/** An event that does not lead to an index. */
export interface IgnoredEvent<Reason extends IgnoreReason = IgnoreReason> {
  /** The event is ignored. */
  readonly outcome: 'ignore';
  /** `repository:tag`, or `repository:` if the image has no tag. */
  readonly image: string;
  /** Machine-readable reason. */
  readonly reason: Reason;
  /** Human-readable reason, as a clause such as `the action is DELETE`. */
  readonly explanation: string;
}

/** The result of {@link decide}. */
export type Decision =
  | (AcceptedEvent & {
      /** Text of the matching filter. */
      readonly filter: string;
    })
  | IgnoredEvent;

/** Expected account and Region. */
export interface EventLocation {
  /** Account id, 12 digits. @default - any */
  readonly account?: string;
  /** Ids of further accounts, 12 digits each, whose events are forwarded to `account`. @default - none */
  readonly memberAccounts?: readonly string[];
  /** Region name. @default - any */
  readonly region?: string;
}

/** Options of {@link decide}. */
export interface DecideOptions extends EventLocation {
  /**
   * Whether to match untagged images too, as `repository:`. In addition to the event with the tag, the push of an image
   * index emits an untagged event for each platform.
   *
   * @default false
   */
  readonly untagged?: boolean;
}

/**
 * Checks whether an event is a successful push of an image, tagged or not, in an expected account and Region. This is the
 * part of {@link decide} that does not depend on filters. It does not read the image.
 */
export function checkEvent(
  event: EcrEvent,
  { account = event.account, memberAccounts = [], region = event.region }: EventLocation = {},
): AcceptedEvent | IgnoredEvent<EventIgnoreReason> {
  const image = `${event.repository}:${event.tag ?? ''}`;
  const ignore = (reason: EventIgnoreReason, explanation: string) => ignored(image, reason, explanation);

  if (event.account !== account && !memberAccounts.includes(event.account)) {
    const expected = memberAccounts.length === 0 ? `not ${account}` : `not ${account} or a member account`;
    return ignore('other-account', `it belongs to account ${event.account}, ${expected}`);
  }
  if (event.region !== region) return ignore('other-region', `it is from region ${event.region}, not ${region}`);
  if (event.action !== PUSH) return ignore('not-a-push', `the action is ${event.action}`);
  if (event.result !== SUCCESS || event.digest === undefined) {
    return ignore('not-successful', `the result is ${event.result}`);
  }
  const artifactType = findArtifactType(event);
  if (artifactType !== undefined) return ignore('not-an-image', `its media type is ${quoteShort(artifactType)}`);
  return { outcome: 'index', image, digest: event.digest };
}

/** Decides whether to index the image of an event: applies {@link checkEvent}, then checks the tag, then the filters. */
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

/** Returns the media type that shows that this is not an image, or undefined. Missing types are not checked. */
function findArtifactType({ manifestType, artifactType }: EcrEvent): string | undefined {
  if (manifestType !== undefined && !IMAGE_MANIFEST_TYPES.includes(manifestType)) return manifestType;
  if (artifactType !== undefined && !IMAGE_CONFIG_TYPES.includes(artifactType)) return artifactType;
  return undefined;
}

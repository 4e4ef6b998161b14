import type { EcrEvent } from './event.ts';
import { PUSH, SUCCESS } from './event-detail.ts';
import type { Filters } from './filters.ts';
import { CONFIG_TYPES, MANIFEST_TYPES } from './image-type.ts';
import { quoteShort } from './quote.ts';

/**
 * Why an event leads to no index:
 *
 * - `other-account`, `other-region`: it is not of the account or region that was named;
 * - `not-a-push`: an image was deleted, or something else was done than pushing;
 * - `not-successful`: the push failed;
 * - `not-an-image`: its media types are an artifact's: a SOCI index, an attestation, a Helm chart;
 * - `untagged`: it has no tag, as the single platforms of an image index have none;
 * - `excluded`: a filter with a `!` matches it;
 * - `no-match`: no filter matches it.
 */
export type IgnoreReason =
  | 'other-account'
  | 'other-region'
  | 'not-a-push'
  | 'not-successful'
  | 'not-an-image'
  | 'untagged'
  | 'excluded'
  | 'no-match';

/** What an event leads to. */
export type Decision =
  | {
      /** The image is to be indexed. */
      readonly action: 'index';
      /** `repository:tag`; an untagged image ends in the colon. */
      readonly image: string;
      /** Digest of the image. */
      readonly digest: string;
      /** The filter that matches, as it was written. */
      readonly filter: string;
    }
  | {
      /** There is nothing to do. */
      readonly action: 'ignore';
      /** `repository:tag`; an untagged image ends in the colon. */
      readonly image: string;
      /** Why there is nothing to do, for a program. */
      readonly reason: IgnoreReason;
      /** Why there is nothing to do, for people: a sentence's end, such as `its tag matches none of 2 filters`. */
      readonly explanation: string;
    };

/** What is demanded of an event beside a filter that matches. */
export interface DecideOptions {
  /**
   * The account whose images are indexed.
   *
   * @default - any
   */
  readonly account?: string;
  /**
   * The region whose images are indexed.
   *
   * @default - any
   */
  readonly region?: string;
  /**
   * Whether images without a tag are matched too, as `repository:`. A push of an image index comes with one such event for
   * each of its platforms, beside the tagged one that stands for all; so does the index of a conversion.
   *
   * @default false
   */
  readonly untagged?: boolean;
}

/** Says whether the image of an event is to be indexed, or why not. What its bytes are is not known yet. */
export function decide(event: EcrEvent, filters: Filters, options: DecideOptions = {}): Decision {
  const image = `${event.repository}:${event.tag ?? ''}`;
  const ignore = (reason: IgnoreReason, explanation: string): Decision => ({
    action: 'ignore',
    image,
    reason,
    explanation,
  });
  const { account = event.account, region = event.region, untagged = false } = options;

  if (event.account !== account) return ignore('other-account', `it is of account ${event.account}, not ${account}`);
  if (event.region !== region) return ignore('other-region', `it is of region ${event.region}, not ${region}`);
  if (event.action !== PUSH) return ignore('not-a-push', `the action is ${event.action}`);
  if (event.result !== SUCCESS || event.digest === undefined) {
    return ignore('not-successful', `the result is ${event.result}`);
  }
  const foreign = foreignType(event);
  if (foreign !== undefined) return ignore('not-an-image', `its media type is ${quoteShort(foreign)}`);
  if (event.tag === undefined && !untagged) return ignore('untagged', 'it has no tag');

  const exclusion = filters.exclude.find((filter) => filter.matches(image));
  if (exclusion !== undefined) return ignore('excluded', `!${exclusion.text} excludes it`);
  const match = filters.include.find((filter) => filter.matches(image));
  if (match === undefined) return ignore('no-match', `none of ${filters.include.length} filters matches it`);
  return { action: 'index', image, digest: event.digest, filter: match.text };
}

/** The media type that no image has, if there is one. Types that the event does not name say nothing. */
function foreignType({ manifestType, artifactType }: EcrEvent): string | undefined {
  if (manifestType !== undefined && !MANIFEST_TYPES.includes(manifestType)) return manifestType;
  if (artifactType !== undefined && !CONFIG_TYPES.includes(artifactType)) return artifactType;
  return undefined;
}

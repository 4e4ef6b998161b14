import { DEFAULT_KINDS, detailTypesOf, type EventOptions } from './event.ts';
import { IMAGE_CONFIG_TYPES, IMAGE_MANIFEST_TYPES, PUSH, SUCCESS } from './event-fields.ts';

/** Event pattern of an Amazon EventBridge rule. */
export interface EventPattern {
  readonly source: readonly string[];
  readonly 'detail-type': readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Options of {@link eventPattern}. */
export interface EventPatternOptions extends EventOptions {
  /** Whether the pattern matches untagged images too. @default false */
  readonly untagged?: boolean;
}

/** Matches if the field is absent. In a list of values, it is one of the alternatives. */
const ABSENT = { exists: false };

/**
 * Returns the pattern of a rule that matches only successful pushes of images. SOCI indexes, attestations and other artifacts
 * have different media types, so they do not start a function. The pattern matches exactly the events that `decide` indexes
 * with the filter `*:*`.
 *
 * The pattern also matches cosign signatures, because they have the media types of an image.
 *
 * @throws FilterError `OPTION_INVALID`
 * @see Amazon EventBridge User Guide, "Comparison operators for use in event patterns"
 */
export function eventPattern({ kinds = DEFAULT_KINDS, untagged = false }: EventPatternOptions = {}): EventPattern {
  const tag = untagged ? {} : { 'image-tag': [{ 'anything-but': '' }] };
  const details: Record<string, unknown>[] = [];
  if (kinds.some((kind) => kind !== 'pull-through-cache')) {
    details.push({
      result: [SUCCESS],
      'action-type': [PUSH],
      ...tag,
      // Image indexes have no config type, and replication events have no types at all.
      'manifest-media-type': [...IMAGE_MANIFEST_TYPES, '', ABSENT],
      'artifact-media-type': [...IMAGE_CONFIG_TYPES, '', ABSENT],
    });
  }
  if (kinds.includes('pull-through-cache')) details.push({ 'sync-status': [SUCCESS], ...tag });
  return {
    source: ['aws.ecr'],
    'detail-type': detailTypesOf(kinds),
    detail: details.length > 1 ? { $or: details } : { ...details[0] },
  };
}

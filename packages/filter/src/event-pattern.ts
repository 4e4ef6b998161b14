import { DEFAULT_KINDS, detailTypesOf, type EventOptions } from './event.ts';
import { IMAGE_CONFIG_TYPES, IMAGE_MANIFEST_TYPES, PUSH, SUCCESS } from './event-fields.ts';

/** A pattern of Amazon EventBridge, in the form that a rule takes it. */
export interface EventPattern {
  readonly source: readonly string[];
  readonly 'detail-type': readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Which events a rule lets in. */
export interface EventPatternOptions extends EventOptions {
  /** Whether images without a tag are let in. @default false */
  readonly untagged?: boolean;
}

/** Where a field is left out. A list of values that holds it matches the values and the absence. */
const ABSENT = { exists: false };

/**
 * The pattern of a rule that lets in only what an index can be made of: successful pushes of images. SOCI indexes,
 * attestations and other artifacts have another media type and start no function; of what is let in,
 * `decide` with filters for everything says that it is to be indexed.
 *
 * A signature of cosign passes for an image: its media types are an image's, and only its layers tell.
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
      // An image index has no configuration, and replications name no types at all.
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

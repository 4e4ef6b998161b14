export {
  type AcceptedEvent,
  checkEvent,
  type DecideOptions,
  type Decision,
  decide,
  type EventIgnoreReason,
  type EventLocation,
  type IgnoredEvent,
  type IgnoreReason,
} from './decide.ts';
export { type Fault, FilterError, type FilterErrorCode } from './errors.ts';
export { type EcrEvent, type EcrEventKind, type EventOptions, parseEcrEvent } from './event.ts';
export { type EventPattern, type EventPatternOptions, eventPattern } from './event-pattern.ts';
export { type Filter, type Filters, parseFilters, repositoryPatterns } from './filters.ts';
export {
  DEFAULT_OUTPUT_TAG,
  DIGEST_OUTPUT_TAG,
  NO_OUTPUT_TAG,
  type OutputTag,
  parseOutputTag,
  type TaggedImage,
} from './output-tag.ts';

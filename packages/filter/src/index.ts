export { type DecideOptions, type Decision, decide, type IgnoreReason } from './decide.ts';
export { type Fault, FilterError, type FilterErrorCode } from './errors.ts';
export { type EcrEvent, type EventOptions, parseEcrEvent } from './event.ts';
export type { EventDetail } from './event-detail.ts';
export type { EcrEventKind } from './event-kind.ts';
export { type EventPattern, type EventPatternOptions, eventPattern } from './event-pattern.ts';
export { type Filter, type Filters, MAX_FILTERS_LENGTH, parseFilters } from './filters.ts';
export { repositoryPatterns } from './repository-patterns.ts';

// Replaces `@smithy/core/event-streams` in the bundles: no operation that the functions call has event streams. Clients of
// services that have some, such as Lambda, expect these two functions when they are constructed.

/** Returns the configuration of a client unchanged. */
export function resolveEventStreamSerdeConfig<T>(config: T): T {
  return config;
}

/** Throws. Only operations with event streams call it. */
export function eventStreamSerdeProvider(): never {
  throw new Error('the bundle has no code for event streams: remove the replacement of @smithy/core/event-streams');
}

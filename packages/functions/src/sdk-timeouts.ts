// In a file of its own: a function that starts has a log, and loads the AWS SDK later.

/** Timeouts for each attempt of the AWS SDK, in milliseconds, as `requestHandler` of a client. */
export const SDK_TIMEOUTS = { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true };

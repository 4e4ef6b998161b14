// Replaces modules that the functions import but never use, in the bundles only.

/** Fails if code that a bundle does not contain is called. */
function notBundled(): never {
  throw new Error('the bundle does not contain this module: remove its replacement in bundle-function.ts');
}

// `@smithy/core/event-streams`. No operation that the functions call has event streams. Clients of services that have some,
// such as Lambda, call the first function when they are constructed.

/** Returns the configuration of a client unchanged. */
export function resolveEventStreamSerdeConfig<T>(config: T): T {
  return config;
}

/** Throws. Only operations with event streams call it. */
export const eventStreamSerdeProvider = notBundled;

// `@noble/hashes/sha2.js`. Hashes for browsers: Node.js has its own.

/** Throws. */
export const sha256 = { create: notBundled };

/** Throws. */
export const sha512 = { create: notBundled };

// `bowser`, which parses the user agent of a browser.

/** Throws. */
export const parse = notBundled;

// SHA-256 in JavaScript of `@smithy/core/checksum`.

/** Throws. */
export const Sha256Js = notBundled;

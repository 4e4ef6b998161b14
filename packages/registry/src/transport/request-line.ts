import type { HttpMethod } from './http-message.ts';

/** A path may hold what a server made up; in a message so many characters of it are enough. */
const MAX_PATH_LENGTH = 400;

/**
 * Names a request for messages and logs, such as `GET https://host/v2/app/manifests/latest`: without its query, which may
 * be a signature that opens a storage, and without user info.
 */
export function describeRequest(method: HttpMethod, url: URL): string {
  const path = url.pathname.length > MAX_PATH_LENGTH ? `${url.pathname.slice(0, MAX_PATH_LENGTH)}…` : url.pathname;
  return `${method} ${url.origin}${path}`;
}

/** Maximum number of cached URLs. A presigned URL has one or two thousand characters. */
export const MAX_CACHED_URLS = 256;

/** Milliseconds before its expiry at which a URL counts as expired, so that it does not expire on the way. */
const EXPIRY_MARGIN = 2000;

/**
 * Caches the URLs that a registry redirects blob requests to, so that further ranges of a blob cost one request, not
 * two. Evicts the least recently used. The URLs are secrets, because they grant access to the blob: they are kept in
 * memory only and never printed.
 */
export class BlobUrlCache {
  /** By key, least recently used first. */
  readonly #urls = new Map<string, { readonly url: URL; readonly expiresAt: number }>();

  /** Returns the URL of a blob. Returns undefined if it is not cached or has expired. */
  get(repository: string, digest: string): URL | undefined {
    const key = keyOf(repository, digest);
    const entry = this.#urls.get(key);
    if (entry === undefined) return undefined;
    this.#urls.delete(key);
    if (entry.expiresAt <= Date.now()) return undefined;
    this.#urls.set(key, entry);
    return entry.url;
  }

  /** Adds the URL of a blob, and evicts the least recently used one if there are too many. */
  set(repository: string, digest: string, url: URL): void {
    this.delete(repository, digest);
    this.#urls.set(keyOf(repository, digest), { url, expiresAt: expiryOf(url) });
    for (const oldest of this.#urls.keys()) {
      if (this.#urls.size <= MAX_CACHED_URLS) break;
      this.#urls.delete(oldest);
    }
  }

  /** Removes the URL of a blob. */
  delete(repository: string, digest: string): void {
    this.#urls.delete(keyOf(repository, digest));
  }
}

/** The key includes the repository, because it determines who may read the blob. */
function keyOf(repository: string, digest: string): string {
  return `${repository}@${digest}`;
}

/**
 * Returns when a presigned URL expires, in milliseconds since 1970. Returns infinity if the URL does not state it in a
 * known format; the storage then rejects it when it has expired.
 *
 * @see AWS, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"; Google Cloud Storage uses the
 * same scheme
 */
function expiryOf(url: URL): number {
  for (const vendor of ['Amz', 'Goog']) {
    const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(url.searchParams.get(`X-${vendor}-Date`) ?? '');
    const seconds = /^\d{1,7}$/.exec(url.searchParams.get(`X-${vendor}-Expires`) ?? '');
    if (date === null || seconds === null) continue;
    const [year, month, day, hour, minute, second] = date.slice(1).map(Number) as [number, ...number[]];
    const signedAt = Date.UTC(year, (month ?? 1) - 1, day, hour, minute, second);
    return signedAt + Number(seconds[0]) * 1000 - EXPIRY_MARGIN;
  }
  return Number.POSITIVE_INFINITY;
}

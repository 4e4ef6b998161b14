/** Blobs whose storage is remembered at a time: a presigned URL has one or two thousand characters. */
export const MAX_BLOB_LOCATIONS = 256;

/** Milliseconds before its end from which a URL counts as expired: a request takes time to get there. */
const EXPIRY_MARGIN = 2000;

/**
 * Where the blobs of one registry really lie, as its redirects said: further parts of a blob then cost one request, not
 * two. The URLs are secrets (who has one can read the blob), so they stay in memory and out of everything that is printed.
 */
export class BlobLocations {
  /** In the order of use, the latest last. */
  readonly #locations = new Map<string, { readonly url: URL; readonly expiresAt: number }>();

  /** Where the blob lay when it was last read; undefined where that is not known, or no longer holds. */
  find(repository: string, digest: string): URL | undefined {
    const key = keyOf(repository, digest);
    const found = this.#locations.get(key);
    if (found === undefined) return undefined;
    this.#locations.delete(key);
    if (found.expiresAt <= Date.now()) return undefined;
    this.#locations.set(key, found);
    return found.url;
  }

  /** Remembers where a blob lies, and forgets the one not asked for the longest where there are too many. */
  remember(repository: string, digest: string, url: URL): void {
    this.forget(repository, digest);
    this.#locations.set(keyOf(repository, digest), { url, expiresAt: expiryOf(url) });
    for (const oldest of this.#locations.keys()) {
      if (this.#locations.size <= MAX_BLOB_LOCATIONS) break;
      this.#locations.delete(oldest);
    }
  }

  /** Lets go of a location that did not hold. */
  forget(repository: string, digest: string): void {
    this.#locations.delete(keyOf(repository, digest));
  }
}

/** The repository belongs to the key: whether a blob may be read is decided by it. */
function keyOf(repository: string, digest: string): string {
  return `${repository}@${digest}`;
}

/**
 * When a presigned URL ends, in milliseconds since 1970; infinity where it does not say so in a way known here: then the
 * storage says it, with a refusal.
 *
 * @see AWS, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"; Google's are alike
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

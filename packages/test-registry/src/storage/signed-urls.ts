import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a signed address is found to be. */
type UrlState = 'expired' | 'forged' | 'valid';

/**
 * Signs the addresses of blobs for a time, in the shape of S3's presigned ones.
 *
 * @see Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"
 */
export class SignedUrls {
  readonly #secret = randomBytes(32);
  readonly #lifetime: number;
  #validFrom = 0;
  #count = 0;

  /** @param lifetime - Milliseconds. */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  /** The query that lets `path` be read. No two are the same. */
  sign(path: string): string {
    this.#count += 1;
    const now = Date.now();
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': basicDate(now),
      // In whole seconds, as S3 has it; the token below knows the end to the millisecond.
      'X-Amz-Expires': String(Math.ceil(this.#lifetime / 1000)),
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Security-Token': `${this.#count}.${now + this.#lifetime}`,
    });
    query.set('X-Amz-Signature', this.#signature(path, query));
    return query.toString();
  }

  check(path: string, query: URLSearchParams): UrlState {
    const given = Buffer.from(query.get('X-Amz-Signature') ?? '');
    const unsigned = new URLSearchParams(query);
    unsigned.delete('X-Amz-Signature');
    const expected = Buffer.from(this.#signature(path, unsigned));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'forged';
    const [number = 0, expiresAt = 0] = (query.get('X-Amz-Security-Token') ?? '').split('.').map(Number);
    return number > this.#validFrom && Date.now() < expiresAt ? 'valid' : 'expired';
  }

  expireAll(): void {
    this.#validFrom = this.#count;
  }

  #signature(path: string, query: URLSearchParams): string {
    return createHmac('sha256', this.#secret).update(`${path}?${query}`).digest('hex');
  }
}

/** ISO 8601 in its basic form, such as `20260131T235900Z`. */
function basicDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

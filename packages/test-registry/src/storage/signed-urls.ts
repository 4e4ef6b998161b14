import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a signed address is found to be. */
type UrlState = 'expired' | 'forged' | 'valid';

/** Signs the addresses of blobs for a time, in the shape of S3's presigned ones. */
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
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': new Date().toISOString(),
      'X-Amz-Expires': String(this.#lifetime / 1000),
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Security-Token': String(this.#count),
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
    const number = Number(query.get('X-Amz-Security-Token'));
    const signedAt = Date.parse(query.get('X-Amz-Date') ?? '');
    return number > this.#validFrom && Date.now() < signedAt + this.#lifetime ? 'valid' : 'expired';
  }

  expireAll(): void {
    this.#validFrom = this.#count;
  }

  #signature(path: string, query: URLSearchParams): string {
    return createHmac('sha256', this.#secret).update(`${path}?${query}`).digest('hex');
  }
}

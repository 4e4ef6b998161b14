import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingRequest } from './http/incoming-request.ts';
import { type Reply, type ReplyHeaders, RequestError, replyBlob } from './http/reply.ts';
import type { BlobStore } from './store/blob-store.ts';

const FOLDER = '/blobs/';

/** Returns the path of a blob at the storage. */
export function storagePath(digest: string): string {
  return `${FOLDER}${digest}`;
}

/**
 * Handles a request to the blob storage. Like S3, it accepts only signed URLs.
 *
 * @see Amazon S3 API Reference, "Error responses"
 */
export async function handleStorageRequest(
  blobs: BlobStore,
  urls: SignedUrls,
  incoming: IncomingRequest,
): Promise<Reply> {
  const { path, query, headers, method } = incoming;
  if (headers.authorization !== undefined) {
    const message =
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';
    return replyXml(400, 'InvalidArgument', message);
  }
  if (!query.has('X-Amz-Signature')) return replyXml(403, 'AccessDenied', 'Access Denied');
  const state = method === 'GET' ? urls.check(path, query) : 'forged';
  if (state === 'expired') return replyXml(403, 'AccessDenied', 'Request has expired');
  if (state === 'forged') {
    const message = 'The request signature we calculated does not match the signature you provided.';
    return replyXml(403, 'SignatureDoesNotMatch', message);
  }
  const blob = blobs.get(path.slice(FOLDER.length));
  if (blob === undefined) return replyXml(404, 'NoSuchKey', 'The specified key does not exist.');
  try {
    return replyBlob(blob, headers.range, { 'content-type': 'application/octet-stream' });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return replyXml(416, 'InvalidRange', 'The requested range is not satisfiable', error.headers);
  }
}

function replyXml(status: number, code: string, message: string, headers: ReplyHeaders = {}): Reply {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: Buffer.from(text) };
}

/**
 * Creates signed URLs with a limited lifetime that imitate presigned URLs of S3.
 *
 * @see Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"
 */
export class SignedUrls {
  readonly #secret = randomBytes(32);
  readonly #lifetime: number;
  #validFrom = 0;
  #count = 0;

  /** @param lifetime - Lifetime of a URL, in milliseconds. */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  /** Returns the query that grants access to `path`. Each query is unique. */
  sign(path: string): string {
    this.#count += 1;
    const now = Date.now();
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      // ISO 8601 basic format, such as `20260131T235900Z`.
      'X-Amz-Date': new Date(now).toISOString().replace(/[-:]|\.\d+/g, ''),
      // In whole seconds, as in S3. The token below contains the expiry in milliseconds.
      'X-Amz-Expires': String(Math.ceil(this.#lifetime / 1000)),
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Security-Token': `${this.#count}.${now + this.#lifetime}`,
    });
    query.set('X-Amz-Signature', this.#signature(path, query));
    return query.toString();
  }

  check(path: string, query: URLSearchParams): 'expired' | 'forged' | 'valid' {
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

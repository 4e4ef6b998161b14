import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/refusal.ts';
import type { Reply } from '../http/reply.ts';
import { replyBlob } from '../http/reply-blob.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { SignedUrls } from './signed-urls.ts';

const FOLDER = '/blobs/';

/** The path at which the storage has a blob. */
export function storagePath(digest: string): string {
  return `${FOLDER}${digest}`;
}

/**
 * Answers a request to the storage of blobs, which is as strict as S3: a signed address and nothing else.
 *
 * @see Amazon S3 API Reference, "Error responses"
 */
export async function handleStorageRequest(blobs: BlobStore, urls: SignedUrls, incoming: Incoming): Promise<Reply> {
  const { path, query, headers, method } = incoming;
  if (headers.authorization !== undefined) {
    const words =
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';
    return replyXml(400, 'InvalidArgument', words);
  }
  if (!query.has('X-Amz-Signature')) return replyXml(403, 'AccessDenied', 'Access Denied');
  const state = method === 'GET' ? urls.check(path, query) : 'forged';
  if (state === 'expired') return replyXml(403, 'AccessDenied', 'Request has expired');
  if (state === 'forged') {
    return replyXml(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
  const blob = blobs.get(path.slice(FOLDER.length));
  if (blob === undefined) return replyXml(404, 'NoSuchKey', 'The specified key does not exist.');
  try {
    return replyBlob(blob, headers.range, { 'content-type': 'application/octet-stream' });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return replyXml(416, 'InvalidRange', 'The requested range is not satisfiable', error.headers);
  }
}

function replyXml(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: Buffer.from(text) };
}

import { isDigest } from '@soci/oci';
import { type Reply, RequestError, replyBlob } from '../http/reply.ts';
import { type Call, existingRepository } from './registry.ts';

/** `GET` and `HEAD` of a blob. @see OCI distribution-spec v1.1, "Pulling blobs" */
export async function getBlob(call: Call): Promise<Reply> {
  const { registry, incoming, reference } = call;
  const digest = checkDigest(reference);
  const blob = registry.store.blob(existingRepository(call), digest);
  if (blob === undefined) throw new RequestError(404, 'BLOB_UNKNOWN', `blob unknown to registry: ${digest}`);
  if (registry.signUrl !== undefined && incoming.method === 'GET') {
    return { status: 307, headers: { location: registry.signUrl(digest) } };
  }
  // `Range` applies only to `GET`. @see RFC 9110, section 14.2
  return replyBlob(blob, incoming.method === 'GET' ? incoming.headers.range : undefined, {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  });
}

/** `DELETE` of a blob. @see OCI distribution-spec v1.1, "Deleting Blobs" */
export async function deleteBlob(call: Call): Promise<Reply> {
  const digest = checkDigest(call.reference);
  if (!existingRepository(call).removeBlob(digest)) {
    throw new RequestError(404, 'BLOB_UNKNOWN', `blob unknown to registry: ${digest}`);
  }
  return { status: 202 };
}

/** @throws RequestError 400 if `text` is not a digest */
export function checkDigest(text: string): string {
  if (!isDigest(text)) throw new RequestError(400, 'DIGEST_INVALID', `${JSON.stringify(text)} is not a digest`);
  return text;
}

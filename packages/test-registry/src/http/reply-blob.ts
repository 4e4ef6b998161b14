import type { StoredBlob } from '../store/stored-blob.ts';
import { readRange } from './byte-range.ts';
import type { Reply, ReplyHeaders } from './reply.ts';

/** A blob, or the part of it that a `Range` names. */
export function replyBlob(blob: StoredBlob, range: string | undefined, headers: ReplyHeaders): Reply {
  const part = readRange(range, blob.size);
  const common = { 'accept-ranges': 'bytes', ...headers };
  if (part === undefined) return { status: 200, headers: common, body: { blob, offset: 0, length: blob.size } };
  const { offset, length } = part;
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${offset}-${offset + length - 1}/${blob.size}` },
    body: { blob, offset, length },
  };
}

import type { StoredBlob } from '../store/blob-store.ts';

/** Headers of a response, by name. */
export type ReplyHeaders = Readonly<Record<string, string>>;

/** The response to a request. Sent by `sendReply`, which applies pacing and faults. */
export interface Reply {
  readonly status: number;
  readonly headers?: ReplyHeaders;
  /** Bytes, or `length` bytes of a blob from `offset`. */
  readonly body?: Uint8Array | { readonly blob: StoredBlob; readonly offset: number; readonly length: number };
}

/** Returns a JSON response. */
export function replyJson(status: number, value: unknown, headers: ReplyHeaders = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}

/** The error codes of the specification, and `UNKNOWN` for others. @see OCI distribution-spec v1.1, "Error Codes" */
type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'PAGINATION_NUMBER_INVALID'
  | 'SIZE_INVALID'
  | 'TAG_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNKNOWN'
  | 'UNSUPPORTED';

/** Thrown to end a request with an error response. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: ReplyHeaders;

  constructor(status: number, code: ErrorCode, message: string, headers: ReplyHeaders = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Returns an error response in the format of the specification. */
export function replyError({ status, code, message, headers }: RequestError): Reply {
  return replyJson(status, { errors: [{ code, message, detail: {} }] }, headers);
}

/** Returns a blob, or the part selected by a `Range` header. */
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

/**
 * Parses a `Range` header with one range. Returns undefined if the whole blob must be sent: without a range, with
 * several, or with an invalid one. Throws 416 if the range is past the end.
 *
 * @see RFC 9110, section 14.2
 */
function readRange(header: string | undefined, size: number) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return undefined;
  const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (offset >= size || end <= offset) {
    throw new RequestError(416, 'SIZE_INVALID', `${header} is past the end of ${size} bytes`, {
      'content-range': `bytes */${size}`,
    });
  }
  return { offset, length: end - offset };
}

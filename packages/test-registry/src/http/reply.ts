import type { StoredBlob } from '../store/blob-store.ts';

/** Header fields of an answer, by name. */
export type ReplyHeaders = Readonly<Record<string, string>>;

/** What a request is answered with; sent by one place only, which knows of pacing and faults. */
export interface Reply {
  readonly status: number;
  readonly headers?: ReplyHeaders;
  /** Bytes, or `length` bytes of a blob from `offset`. */
  readonly body?: Uint8Array | { readonly blob: StoredBlob; readonly offset: number; readonly length: number };
}

/** An answer in JSON. */
export function replyJson(status: number, value: unknown, headers: ReplyHeaders = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}

/** The codes that the specification knows, and `UNKNOWN` of the registry's own. @see OCI distribution-spec v1.1, "Error Codes" */
type RefusalCode =
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

/** Ends the handling of a request with an error answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: RefusalCode;
  readonly headers: ReplyHeaders;

  constructor(status: number, code: RefusalCode, message: string, headers: ReplyHeaders = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A refusal as the specification words it. */
export function replyRefusal({ status, code, message, headers }: Refusal): Reply {
  return replyJson(status, { errors: [{ code, message, detail: {} }] }, headers);
}

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

/**
 * Reads a `Range` of one part; undefined where the whole is to be sent: no range, several, or none that can be read.
 * Throws a 416 where it lies past the end. @see RFC 9110, section 14.2
 */
function readRange(header: string | undefined, size: number) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) return undefined;
  const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (offset >= size || end <= offset) {
    throw new Refusal(416, 'SIZE_INVALID', `${header} lies past the end of ${size} bytes`, {
      'content-range': `bytes */${size}`,
    });
  }
  return { offset, length: end - offset };
}

import { type Reply, type ReplyHeaders, replyJson } from './reply.ts';

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

import type { StoredBlob } from '../store/stored-blob.ts';

/** Header fields of an answer, by name. */
export type ReplyHeaders = Readonly<Record<string, string>>;

/** Part of a stored blob: `length` bytes from `offset`. */
interface BlobSlice {
  readonly blob: StoredBlob;
  readonly offset: number;
  readonly length: number;
}

/** What a request is answered with; sent by one place only, which knows of pacing and faults. */
export interface Reply {
  readonly status: number;
  readonly headers?: ReplyHeaders;
  readonly body?: Uint8Array | BlobSlice;
}

/** An answer in JSON. */
export function replyJson(status: number, value: unknown, headers: ReplyHeaders = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}

import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';

/** The HTTP methods of the distribution API. */
export type HttpMethod = 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';

/** A request body: bytes, or a stream that can be opened again for a retry. */
export type HttpBody = Uint8Array | StreamedBody;

/** A body that is read while it is sent. */
export interface StreamedBody {
  /** Length in bytes, sent as `Content-Length`. */
  readonly size: number;
  /** Opens the body at its start. Called once per attempt. */
  open(): AsyncIterable<Uint8Array>;
  /** Whether {@link StreamedBody.open} may be called again after bytes were read. */
  readonly isRepeatable: boolean;
}

/** A stream of bytes. */
export type ByteStream = AsyncGenerator<Uint8Array, void, undefined>;

/** An HTTP request. */
export interface HttpRequest extends CallOptions {
  readonly method: HttpMethod;
  readonly url: URL;
  /** Headers by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** @default no body */
  readonly body?: HttpBody | undefined;
  /**
   * Whether a server chose the URL, not the user. If so, connections to this host and its link (loopback, link-local
   * and unspecified addresses, metadata services) fail with `REDIRECT_REFUSED`, both for literal addresses and for
   * those that a name resolves to.
   *
   * @default false
   */
  readonly isUntrusted?: boolean | undefined;
  /**
   * Whether the response body is consumed at the pace of a consumer that may send other requests in the meantime, which
   * must not wait for this connection.
   *
   * @default false: it is read at once
   */
  readonly streamsResponse?: boolean | undefined;
  /**
   * Milliseconds in addition to the stall timeout that the server may take until it sends the response headers.
   *
   * @default 0
   */
  readonly extraResponseTimeout?: number | undefined;
}

/** An HTTP response. Its body must be read to the end or discarded. */
export interface HttpResponse {
  readonly status: number;
  /** Headers by name in lower case; repeated headers are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** URL of the response, after redirects. */
  readonly url: URL;
  /**
   * The body. Throws RegistryError `CONNECTION_FAILED` or `STALLED` if it breaks off. Chunks may be kept or
   * transferred.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * Discards the rest of the body. A short one is read so that the connection can be reused; otherwise the connection
   * is closed.
   */
  discard(): void;
}

/** Sends a request once. Follows no redirects, does not retry, and returns responses of any status. */
export interface HttpSender {
  /**
   * @throws RegistryError `CLOSED`, `CONNECTION_FAILED`, `STALLED`, `TLS_FAILED`, `LIMIT_EXCEEDED`, `RESPONSE_INVALID`,
   * `REDIRECT_REFUSED`; OciError `SIZE_MISMATCH` if a request body does not have its declared size; the signal's reason
   */
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** Maximum length of a URL path in messages, in characters: a server may have chosen the path. */
const MAX_PATH_LENGTH = 400;

/**
 * Formats a request for messages and logs, such as `GET https://host/v2/app/manifests/latest`. Omits the query, which
 * may be a signature that grants access, and user info.
 */
export function describeRequest(method: HttpMethod, url: URL): string {
  const path = url.pathname.length > MAX_PATH_LENGTH ? `${url.pathname.slice(0, MAX_PATH_LENGTH)}…` : url.pathname;
  return `${method} ${url.origin}${path}`;
}

/**
 * Reads the whole body of a response.
 *
 * @throws RegistryError `LIMIT_EXCEEDED` if it has more than `maxSize` bytes or its `Content-Length` says so; what the
 * body throws
 */
export async function readWhole(response: HttpResponse, method: HttpMethod, maxSize: number): Promise<Uint8Array> {
  const { url, status, headers } = response;
  const request = describeRequest(method, url);
  const message = `${request}: the response has more than ${maxSize} bytes`;
  const tooLarge = () => new RegistryError('LIMIT_EXCEEDED', message, { request, status });
  // A HEAD response states the length of a body that it does not contain.
  if (method !== 'HEAD' && Number(headers['content-length'] ?? 0) > maxSize) {
    response.discard();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > maxSize) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

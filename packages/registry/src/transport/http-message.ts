import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';

/** The methods that registries know. */
export type HttpMethod = 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';

/** What is sent: bytes, or a stream that can be opened anew when the request is sent again. */
export type HttpBody = Uint8Array | StreamedBody;

/** A body that is read as it is sent. */
export interface StreamedBody {
  /** Its length in bytes; sent as `Content-Length`. */
  readonly size: number;
  /** Opens it from its start; called once for each attempt. */
  open(): AsyncIterable<Uint8Array>;
  /** Whether {@link StreamedBody.open} may be called again after it was read from. */
  readonly isRepeatable: boolean;
}

/** Bytes as they come. */
export type ByteStream = AsyncGenerator<Uint8Array, void, undefined>;

/** One request, as it goes over the wire. */
export interface HttpRequest extends CallOptions {
  readonly method: HttpMethod;
  readonly url: URL;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** @default no body */
  readonly body?: HttpBody | undefined;
  /**
   * The URL was named by a server, not by the user: do not connect to this machine or its link (loopback, link-local,
   * unspecified, metadata services), neither by literal address nor by what the name resolves to. `REDIRECT_REFUSED`.
   *
   * @default false
   */
  readonly isUntrusted?: boolean | undefined;
  /**
   * The answer's body is read as fast as somebody takes it who may need other requests meanwhile: these must not wait for
   * its connection.
   *
   * @default false: it is read at once
   */
  readonly waitsForReceiver?: boolean | undefined;
  /** Milliseconds that the server may take for the head of its answer, beyond the stall timeout. @default 0 */
  readonly extraResponseTimeout?: number | undefined;
}

/** The answer to a request. Its body must be read to the end, or discarded. */
export interface HttpResponse {
  readonly status: number;
  /** By name in lower case; several of one name are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from: after redirects not where the request went first. */
  readonly url: URL;
  /**
   * The body as it comes. Throws where it breaks off or stalls: RegistryError `CONNECTION_FAILED`, `STALLED`.
   * A chunk may be kept or transferred.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets the rest of the body go: a short one is read so that the connection can be used again, else it is closed. */
  discard(): void;
}

/** Sends one request once: no redirect is followed, nothing is retried, any status is an answer. */
export interface HttpSender {
  /**
   * @throws RegistryError `CLOSED`, `CONNECTION_FAILED`, `STALLED`, `TLS_FAILED`, `LIMIT_EXCEEDED`, `RESPONSE_INVALID`,
   * `REDIRECT_REFUSED`; OciError `SIZE_MISMATCH` where a body has not the size it claims; the signal's reason.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** A path may hold what a server made up; in a message so many characters of it are enough. */
const MAX_PATH_LENGTH = 400;

/**
 * Names a request for messages and logs, such as `GET https://host/v2/app/manifests/latest`: without its query, which may
 * be a signature that opens a storage, and without user info.
 */
export function describeRequest(method: HttpMethod, url: URL): string {
  const path = url.pathname.length > MAX_PATH_LENGTH ? `${url.pathname.slice(0, MAX_PATH_LENGTH)}…` : url.pathname;
  return `${method} ${url.origin}${path}`;
}

/**
 * Reads the whole body of an answer.
 *
 * @throws RegistryError `LIMIT_EXCEEDED` where it has more than `maxSize` bytes, or says so before any is read; what the body throws.
 */
export async function readWhole(response: HttpResponse, method: HttpMethod, maxSize: number): Promise<Uint8Array> {
  const { url, status, headers } = response;
  const request = describeRequest(method, url);
  const message = `${request}: the answer has more than ${maxSize} bytes`;
  const tooLarge = () => new RegistryError('LIMIT_EXCEEDED', message, { request, status });
  // The answer to HEAD tells the length of what it does not send.
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

import type { CallOptions } from '@soci/oci';

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

/** One request, as it goes over the wire. */
export interface HttpRequest extends CallOptions {
  readonly method: HttpMethod;
  readonly url: URL;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** @default no body */
  readonly body?: HttpBody;
  /**
   * The URL was named by a server, not by the user: do not connect to this machine or its link (loopback, link-local,
   * unspecified, metadata services), neither by literal address nor by what the name resolves to. `REDIRECT_REFUSED`.
   *
   * @default false
   */
  readonly isUntrusted?: boolean;
  /**
   * The answer's body is read as fast as somebody takes it who may need other requests meanwhile: these must not wait for
   * its connection.
   *
   * @default false: it is read at once
   */
  readonly waitsForReceiver?: boolean;
  /** Milliseconds that the server may take for the head of its answer, beyond the stall timeout. @default 0 */
  readonly thinkingTime?: number;
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

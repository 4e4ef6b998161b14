import { ZtocError } from '../errors.ts';
import { type RandomAccessSource, requireRange } from './random-access-source.ts';

/** Options of {@link httpSource}. */
export interface HttpSourceOptions {
  /** Sends the requests; use it to add credentials, retries or a proxy. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /**
   * Headers of every request. On a redirect to another origin, `fetch` drops `Authorization` and forwards other
   * headers.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Size of the blob in bytes, as in its descriptor. @default requested from the server */
  readonly size?: number | undefined;
  /** Aborts the request for the size. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Creates a source for a blob on an HTTP server, read with range requests (RFC 9110, section 14). For another origin, a
 * browser hides `Content-Range` unless the server lists it in `Access-Control-Expose-Headers`.
 *
 * Every response must be a 206 with exactly the requested range: the whole blob is never downloaded instead.
 * @throws {ZtocError} `SOURCE_READ_FAILED` if the server does not support ranges. The reason of `options.signal` if it
 * is aborted.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<RandomAccessSource> {
  const blob = new HttpBlob(url, options);
  const size = options.size ?? (await blob.fetchSize(options.signal));
  return {
    size,
    async read(offset, length, { signal } = {}) {
      requireRange(size, offset, length);
      return length === 0 ? new Uint8Array(0) : blob.readRange(offset, length, size, signal);
    },
  };
}

/** `bytes <first>-<last>/<size>`; the size is `*` if the server does not know it. */
const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+|\*)$/;
/** `Content-Range` of an empty blob, which has no valid range. */
const EMPTY_RANGE = 'bytes */0';

class HttpBlob {
  readonly #url: string;
  readonly #options: HttpSourceOptions;

  constructor(url: string | URL, options: HttpSourceOptions) {
    this.#url = String(url);
    this.#options = options;
  }

  async fetchSize(signal: AbortSignal | undefined): Promise<number> {
    const response = await this.#request(0, 0, signal);
    await response.body?.cancel().catch(() => {});
    const range = response.headers.get('content-range') ?? '';
    if (response.status === 416 && range === EMPTY_RANGE) return 0;
    this.#requirePartial(response);
    const size = Number(CONTENT_RANGE.exec(range)?.[3]);
    if (!Number.isSafeInteger(size))
      throw this.#failure('does not report the size of the blob. Set the `size` option.');
    return size;
  }

  async readRange(offset: number, length: number, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const last = offset + length - 1;
    const response = await this.#request(offset, last, signal);
    try {
      this.#requirePartial(response);
      const [, first, end, total] = CONTENT_RANGE.exec(response.headers.get('content-range') ?? '') ?? [];
      if (Number(first) !== offset || Number(end) !== last) {
        const contentRange = response.headers.get('content-range') ?? 'none';
        throw this.#failure(`sent the range "${contentRange}" instead of bytes ${offset} to ${last}`);
      }
      if (total !== '*' && Number(total) !== size) throw this.#failure(`reports ${total} bytes, expected ${size}`);
      return await this.#readBody(response, length);
    } catch (error) {
      // Releases the connection, even if the server has more to send.
      await response.body?.cancel().catch(() => {});
      signal?.throwIfAborted();
      throw error instanceof ZtocError ? error : this.#failure('closed the connection during the response', error);
    }
  }

  async #request(first: number, last: number, signal: AbortSignal | undefined): Promise<Response> {
    signal?.throwIfAborted();
    // For a request with a range, `fetch` itself sends `Accept-Encoding: identity`.
    const headers = new Headers(this.#options.headers);
    headers.set('range', `bytes=${first}-${last}`);
    // Not called as a method of the options: a browser's `fetch` rejects a foreign `this`.
    const send = this.#options.fetch ?? globalThis.fetch;
    try {
      return await send(this.#url, { headers, ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure('did not answer', error);
    }
  }

  #requirePartial({ status }: Response): void {
    if (status === 200) throw this.#failure('does not support range requests: it sent the whole blob');
    if (status !== 206) throw this.#failure(`answered a range request with status ${status}`);
  }

  async #readBody(response: Response, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) break;
        if (chunk.value.length > length - filled) throw this.#failure(`sent more than the announced ${length} bytes`);
        bytes.set(chunk.value, filled);
        filled += chunk.value.length;
      }
    } finally {
      reader?.releaseLock();
    }
    if (filled < length) throw this.#failure(`sent ${filled} of the announced ${length} bytes`);
    return bytes;
  }

  #failure(what: string, cause?: unknown): ZtocError {
    // The URL without its query, which may contain a signature, and without a password.
    const name = this.#url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
    return new ZtocError('SOURCE_READ_FAILED', `${name} ${what}`, cause === undefined ? {} : { cause });
  }
}

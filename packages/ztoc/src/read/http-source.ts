import { ZtocError } from '../errors.ts';
import { type RandomAccessSource, requireRange } from './random-access-source.ts';

/** How {@link httpSource} asks. */
export interface HttpSourceOptions {
  /** What sends the requests: give one of your own to add credentials, retries or a proxy. @default the global `fetch` */
  readonly fetch?: typeof fetch | undefined;
  /**
   * Sent with every request. `fetch` itself drops `Authorization` when it is redirected to another origin, and hands on
   * any other header.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes of the blob, which a manifest's descriptor tells. @default asked of the server, in one request */
  readonly size?: number | undefined;
  /** Ends the request for the size early. @default never */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A source over a blob that an HTTP server has, read by range requests (RFC 9110, section 14). A browser shows the
 * answer's `Content-Range` only if the server lists it in `Access-Control-Expose-Headers`.
 *
 * Every answer must be a 206 with exactly the range that was asked for: the whole blob is never read in place of a part.
 * @throws {ZtocError} `SOURCE_READ_FAILED` if the server cannot do that. The reason of `options.signal` if it is aborted.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<RandomAccessSource> {
  const blob = new HttpBlob(url, options);
  const size = options.size ?? (await blob.askSize(options.signal));
  return {
    size,
    async read(offset, length, { signal } = {}) {
      requireRange(size, offset, length);
      return length === 0 ? new Uint8Array(0) : blob.readRange(offset, length, size, signal);
    },
  };
}

/** `bytes <first>-<last>/<size>`, the size `*` where the server does not say. */
const CONTENT_RANGE = /^bytes (\d+)-(\d+)\/(\d+|\*)$/;
/** What a server says of an empty blob, of which no range can be had. */
const EMPTY_RANGE = 'bytes */0';

class HttpBlob {
  readonly #url: string;
  readonly #options: HttpSourceOptions;

  constructor(url: string | URL, options: HttpSourceOptions) {
    this.#url = String(url);
    this.#options = options;
  }

  async askSize(signal: AbortSignal | undefined): Promise<number> {
    const response = await this.#request(0, 0, signal);
    await response.body?.cancel().catch(() => {});
    const range = response.headers.get('content-range') ?? '';
    if (response.status === 416 && range === EMPTY_RANGE) return 0;
    this.#requirePartial(response);
    const size = Number(CONTENT_RANGE.exec(range)?.[3]);
    if (!Number.isSafeInteger(size)) throw this.#failure('does not say how large the blob is: give its size');
    return size;
  }

  async readRange(offset: number, length: number, size: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const last = offset + length - 1;
    const response = await this.#request(offset, last, signal);
    try {
      this.#requirePartial(response);
      const [, first, end, total] = CONTENT_RANGE.exec(response.headers.get('content-range') ?? '') ?? [];
      if (Number(first) !== offset || Number(end) !== last) {
        throw this.#failure(`answers bytes ${offset} to ${last} with "${response.headers.get('content-range')}"`);
      }
      if (total !== '*' && Number(total) !== size) throw this.#failure(`has ${total} bytes, and ${size} were expected`);
      return await this.#readBody(response, length);
    } catch (error) {
      // Lets go of the connection, whatever the server still means to send.
      await response.body?.cancel().catch(() => {});
      signal?.throwIfAborted();
      throw error instanceof ZtocError ? error : this.#failure('broke off its answer', error);
    }
  }

  async #request(first: number, last: number, signal: AbortSignal | undefined): Promise<Response> {
    signal?.throwIfAborted();
    // With a range, `fetch` asks for the bytes as they are (Accept-Encoding: identity) of itself.
    const headers = new Headers(this.#options.headers);
    headers.set('range', `bytes=${first}-${last}`);
    // Called as a method of the options, a browser's own `fetch` would refuse.
    const send = this.#options.fetch ?? globalThis.fetch;
    try {
      return await send(this.#url, { headers, ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure('could not be asked', error);
    }
  }

  #requirePartial({ status }: Response): void {
    if (status === 200) throw this.#failure('answers a range request with the whole blob: it has no ranges to give');
    if (status !== 206) throw this.#failure(`answers a range request with status ${status}`);
  }

  async #readBody(response: Response, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) break;
        if (chunk.value.length > length - filled)
          throw this.#failure(`sends more than the ${length} bytes it announced`);
        bytes.set(chunk.value, filled);
        filled += chunk.value.length;
      }
    } finally {
      reader?.releaseLock();
    }
    if (filled < length) throw this.#failure(`sends ${filled} of the ${length} bytes it announced`);
    return bytes;
  }

  #failure(what: string, cause?: unknown): ZtocError {
    // The address without its query, which may be a signature, and without a password.
    const name = this.#url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
    return new ZtocError('SOURCE_READ_FAILED', `${name} ${what}`, cause === undefined ? {} : { cause });
  }
}

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { RegistryError } from '../errors.ts';
import { checkOption, MAX_TIMEOUT } from '../options.ts';
import { toConnectionError } from './connection-error.ts';
import { ConnectionSlots } from './connection-slots.ts';
import { Connections, type HttpSenderOptions, type Route } from './connections.ts';
import { describeRequest, type HttpRequest, type HttpResponse, type HttpSender } from './http-message.ts';
import { isLocalHost } from './local-address.ts';
import { bodySize, sendBody } from './request-body.ts';
import { ResponseBody } from './response-body.ts';
import { StallTimer } from './stall-detection.ts';

/** Maximum size of response headers, 32 KiB. A presigned URL with a session token has about 3 KiB. */
const MAX_HEADER_SIZE = 2 ** 15;

/** Maximum number of response headers. Real responses have 10 to 20. */
const MAX_HEADERS = 200;

/** Default stall timeout: 30 seconds. */
const DEFAULT_STALL_TIMEOUT = 30_000;

/** Maximum number of concurrent requests per host. */
const DEFAULT_MAX_CONNECTIONS = 16;

/** Sends requests over HTTP/1.1 with keep-alive connections, using node:http and node:https. */
export class PooledHttpSender implements HttpSender {
  readonly #connections: Connections;
  readonly #slots: ConnectionSlots;
  readonly #stallTimeout: number;
  #isClosed = false;

  /** @throws RegistryError `OPTION_INVALID` if a certificate or key is invalid, or a number is out of range */
  constructor(options: HttpSenderOptions = {}) {
    const stallTimeout = checkOption('stallTimeout', options.stallTimeout ?? DEFAULT_STALL_TIMEOUT, 1, MAX_TIMEOUT);
    const maxConnections = checkOption('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, 2, 1000);
    this.#connections = new Connections({ ...options, env: options.env ?? process.env, maxConnections, stallTimeout });
    this.#slots = new ConnectionSlots(maxConnections);
    this.#stallTimeout = stallTimeout;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, streamsResponse = false, isUntrusted = false, signal } = request;
    signal?.throwIfAborted();
    const line = describeRequest(method, url);
    if (isUntrusted && isLocalHost(url.host)) throw untrustedAddress(line);
    const release = await this.#slots.acquire(url.origin, streamsResponse, signal);
    let message: ClientRequest;
    try {
      signal?.throwIfAborted();
      if (this.#isClosed) throw closed();
      message = openMessage(request, this.#connections.route(url, isUntrusted));
    } catch (error) {
      release();
      throw error;
    }
    message.once('close', release);
    const response = await receiveHeaders(message, request, line, this.#stallTimeout);
    const body = new ResponseBody(response, line, this.#stallTimeout, signal);
    if (response.rawHeaders.length / 2 > MAX_HEADERS) {
      response.destroy();
      const problem = `${line}: the response has more than ${MAX_HEADERS} headers`;
      throw new RegistryError('LIMIT_EXCEEDED', problem, { request: line });
    }
    return {
      status: response.statusCode ?? 0,
      headers: joinHeaders(response),
      url,
      body,
      discard: () => body.discard(),
    };
  }

  /**
   * Closes all connections, including those in use. Later requests fail with `CLOSED`. Idle connections do not keep the
   * process alive.
   */
  close(): void {
    this.#isClosed = true;
    this.#slots.close(closed());
    this.#connections.close();
  }
}

function closed(): RegistryError {
  return new RegistryError('CLOSED', 'the registry client is closed: open another one with openRegistry');
}

function untrustedAddress(request: string): RegistryError {
  const message = `${request}: refusing redirect to a loopback, link-local or metadata address`;
  return new RegistryError('REDIRECT_REFUSED', message, { request });
}

/** Creates the request without sending it. */
function openMessage({ method, body, headers }: HttpRequest, route: Route): ClientRequest {
  return route.request({
    ...route.options,
    method,
    maxHeaderSize: MAX_HEADER_SIZE,
    headers: {
      ...route.options.headers,
      'accept-encoding': 'identity',
      'user-agent': 'soci-registry',
      ...(body !== undefined && { 'content-length': bodySize(body) }),
      ...headers,
    },
  });
}

/** Sends the request and waits for the response headers. Each phase is subject to the stall timeout. */
function receiveHeaders(
  message: ClientRequest,
  { body, signal, extraResponseTimeout = 0 }: HttpRequest,
  line: string,
  stallTimeout: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const finish = () => {
      isOver = true;
      timer.stop();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      if (isOver) return;
      finish();
      message.destroy();
      reject(error);
    };
    const timer = new StallTimer(line, stallTimeout, fail);
    const onAbort = () => fail(signal?.reason);
    const start = () => {
      timer.stop();
      sendBody(message, body, timer, () => isOver).catch(fail);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    message.on('error', (error) => fail(toConnectionError(error, line)));
    message.once('close', () => fail(toConnectionError(new Error('closed without a response'), line)));
    message.once('socket', (socket) => {
      if (isReady(socket)) return start();
      timer.start('connecting');
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', start);
    });
    message.once('finish', () => {
      // Over TLS, the response may arrive before the request is reported as sent.
      if (!isOver) timer.start('waiting for the response', extraResponseTimeout);
    });
    message.once('response', (response) => {
      finish();
      // The server responded before the request was complete. The rest is not sent, so the connection cannot be reused.
      response.once('end', () => {
        if (!message.writableEnded) message.destroy();
      });
      resolve(response);
    });
  });
}

/** Reports whether a socket is a reused, already connected one, which emits no connect event. */
function isReady(socket: Socket): boolean {
  return socket instanceof TLSSocket ? socket.getFinished() !== undefined : !socket.connecting;
}

function joinHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

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

/** 32 KiB: a presigned URL with a session token has 3. */
const MAX_HEADER_SIZE = 2 ** 15;

/** Headers of one answer; real ones have 10 to 20. */
const MAX_HEADERS = 200;

/** 30 seconds. */
const DEFAULT_STALL_TIMEOUT = 30_000;

/** What one host is asked at a time. */
const DEFAULT_MAX_CONNECTIONS = 16;

/** Sends requests over HTTP/1.1 by node:http and node:https, over connections that it keeps until it is closed. */
export class PooledHttpSender implements HttpSender {
  readonly #connections: Connections;
  readonly #slots: ConnectionSlots;
  readonly #stallTimeout: number;
  #isClosed = false;

  /** @throws RegistryError `OPTION_INVALID` if `ca` holds no certificate, or a number is out of its range. */
  constructor(options: HttpSenderOptions = {}) {
    const stallTimeout = checkOption('stallTimeout', options.stallTimeout ?? DEFAULT_STALL_TIMEOUT, 1, MAX_TIMEOUT);
    const maxConnections = checkOption('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, 2, 1000);
    this.#connections = new Connections({ ...options, env: options.env ?? process.env, maxConnections, stallTimeout });
    this.#slots = new ConnectionSlots(maxConnections);
    this.#stallTimeout = stallTimeout;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, waitsForReceiver = false, isUntrusted = false, signal } = request;
    signal?.throwIfAborted();
    const line = describeRequest(method, url);
    if (isUntrusted && isLocalHost(url.host)) throw untrustedAddress(line);
    const release = await this.#slots.take(url.origin, waitsForReceiver, signal);
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
    const answer = await headOf(message, request, line, this.#stallTimeout);
    const body = new ResponseBody(answer, line, this.#stallTimeout, signal);
    if (answer.rawHeaders.length / 2 > MAX_HEADERS) {
      answer.destroy();
      const problem = `${line}: the answer has more than ${MAX_HEADERS} headers`;
      throw new RegistryError('LIMIT_EXCEEDED', problem, { request: line });
    }
    return { status: answer.statusCode ?? 0, headers: joinHeaders(answer), url, body, discard: () => body.discard() };
  }

  /**
   * Closes every connection, used or not; no further request is sent: RegistryError `CLOSED`. Connections that nobody uses
   * do not keep a process alive.
   */
  close(): void {
    this.#isClosed = true;
    this.#slots.close(closed());
    this.#connections.close();
  }
}

function closed(): RegistryError {
  return new RegistryError('CLOSED', 'the registry was closed: nothing more is asked of it');
}

function untrustedAddress(request: string): RegistryError {
  const message = `${request}: no server may lead to this machine, its link or a metadata service`;
  return new RegistryError('REDIRECT_REFUSED', message, { request });
}

/** The request, its headers said; not sent yet. */
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

/** Watches that each phase gets on, until the head of the answer is there. */
function headOf(
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
    message.once('close', () => fail(toConnectionError(new Error('closed without an answer'), line)));
    message.once('socket', (socket) => {
      if (isReady(socket)) return start();
      timer.start('connecting');
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', start);
    });
    message.once('finish', () => {
      // Over TLS the answer may be there before the request is known to be sent.
      if (!isOver) timer.start('waiting for the answer', extraResponseTimeout);
    });
    message.once('response', (answer) => {
      finish();
      // Answered before all was sent: the rest never goes, so nothing else can go over this connection.
      answer.once('end', () => {
        if (!message.writableEnded) message.destroy();
      });
      resolve(answer);
    });
  });
}

/** Whether a socket is one that was connected for another request: then there is no event to wait for. */
function isReady(socket: Socket): boolean {
  return socket instanceof TLSSocket ? socket.getFinished() !== undefined : !socket.connecting;
}

function joinHeaders(answer: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

import { setMaxListeners } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { RegistryError } from '../errors.ts';
import { checkOption, MAX_TIMEOUT } from './check-option.ts';
import { toConnectionError } from './connection-error.ts';
import { Connections } from './connections.ts';
import type { HttpRequest, HttpResponse, HttpSender } from './http-message.ts';
import { isLocalHost } from './local-address.ts';
import type { ProxyEnvironment } from './proxy.ts';
import { bodySize, sendBody } from './request-body.ts';
import { describeRequest } from './request-line.ts';
import { ResponseBody } from './response-body.ts';
import { StallTimer } from './stall-timer.ts';

/** 30 seconds. */
const DEFAULT_STALL_TIMEOUT = 30_000;

/** What one host is asked at a time. */
const DEFAULT_MAX_CONNECTIONS = 16;

/** 32 KiB: a presigned URL with a session token has 3. */
const MAX_HEADER_SIZE = 2 ** 15;

/** Headers of one answer; real ones have 10 to 20. */
const MAX_HEADERS = 200;

/** Options of {@link createHttpSender}. */
export interface HttpSenderOptions {
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** Where proxies are named: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`. @default `process.env` */
  readonly env?: ProxyEnvironment;
  /** Connections to one host at a time; further requests wait for one. @default 16 */
  readonly maxConnections?: number;
  /** Milliseconds without progress after which a connection counts as stalled. @default 30,000 */
  readonly stallTimeout?: number;
  /** Finds the addresses of a name. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
}

/** An {@link HttpSender} that keeps connections until it is closed. */
export interface ClosableHttpSender extends HttpSender {
  /** Closes every connection, used or not. Connections that nobody uses do not keep a process alive. */
  close(): void;
}

/**
 * Sends requests over HTTP/1.1 by node:http and node:https.
 *
 * @throws RegistryError `OPTION_INVALID` where `ca` holds no certificate, or a number is out of its range.
 */
export function createHttpSender(options: HttpSenderOptions = {}): ClosableHttpSender {
  const stallTimeout = checkOption('stallTimeout', options.stallTimeout ?? DEFAULT_STALL_TIMEOUT, 1, MAX_TIMEOUT);
  const connections = new Connections({
    ca: options.ca,
    env: options.env ?? process.env,
    maxConnections: checkOption('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, 1, 1000),
    stallTimeout,
    lookup: options.lookup,
  });
  return {
    send: (request) => send(request, connections, stallTimeout),
    close: () => connections.close(),
  };
}

async function send(request: HttpRequest, connections: Connections, stallTimeout: number): Promise<HttpResponse> {
  const { method, url, body, isUntrusted = false, signal } = request;
  signal?.throwIfAborted();
  // One signal may end a hundred requests at a time. Node 20 takes that for a leak, later ones do not.
  if (signal !== undefined) setMaxListeners(0, signal);
  const line = describeRequest(method, url);
  if (isUntrusted && isLocalHost(url.host)) {
    throw new RegistryError(
      'REDIRECT_REFUSED',
      `${line}: no server may lead to this machine, its link or a metadata service`,
      { request: line },
    );
  }
  const route = connections.route(url, isUntrusted);
  const message = route.request({
    ...route.options,
    method,
    maxHeaderSize: MAX_HEADER_SIZE,
    headers: {
      ...route.options.headers,
      'accept-encoding': 'identity',
      'user-agent': 'soci-ecr',
      ...(body !== undefined && { 'content-length': bodySize(body) }),
      ...request.headers,
    },
  });
  const answer = await exchange(message, request, line, stallTimeout);
  const responseBody = new ResponseBody(answer, { request: line, stallTimeout, signal });
  if (answer.rawHeaders.length / 2 > MAX_HEADERS) {
    answer.destroy();
    throw new RegistryError('LIMIT_EXCEEDED', `${line}: the answer has more than ${MAX_HEADERS} headers`, {
      request: line,
    });
  }
  return {
    status: answer.statusCode ?? 0,
    headers: joinHeaders(answer),
    url,
    body: responseBody,
    discard: () => responseBody.discard(),
  };
}

/** Sends the request and waits for the head of its answer; watches that each phase gets on. */
function exchange(
  message: ClientRequest,
  { body, signal, answerTimeout }: HttpRequest,
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
    const timer = new StallTimer(line, fail);
    const onAbort = () => fail(signal?.reason);
    const start = () => {
      timer.stop();
      sendBody(message, body, { timer, stallTimeout, isOver: () => isOver }).catch(fail);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    message.on('error', (error) => fail(toConnectionError(error, line)));
    message.once('close', () => fail(toConnectionError(new Error('closed without an answer'), line)));
    message.once('socket', (socket) => {
      if (isReady(socket)) return start();
      timer.start('connecting', stallTimeout);
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', start);
    });
    message.once('finish', () => {
      // Over TLS the answer may be there before the request is known to be sent.
      if (!isOver) timer.start('waiting for the answer', answerTimeout ?? stallTimeout);
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

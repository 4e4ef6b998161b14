import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { RegistryError } from '../errors.ts';
import { toConnectionError } from './connection-error.ts';
import type { Route } from './connections.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import { bodySize, sendBody } from './request-body.ts';
import { ResponseBody } from './response-body.ts';
import { StallTimer } from './stall-detection.ts';

/** 32 KiB: a presigned URL with a session token has 3. */
const MAX_HEADER_SIZE = 2 ** 15;

/** Headers of one answer; real ones have 10 to 20. */
const MAX_HEADERS = 200;

/** The request, its headers said; not sent yet. */
export function openMessage({ method, body, headers }: HttpRequest, route: Route): ClientRequest {
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

/**
 * Sends a request, and takes the head of its answer.
 *
 * @param message - What {@link openMessage} made of the request.
 * @param line - The request, as `describeRequest` names it.
 * @param stallTimeout - Milliseconds without progress that count as a stall.
 * @throws as `HttpSender.send`
 */
export async function exchange(
  message: ClientRequest,
  request: HttpRequest,
  line: string,
  stallTimeout: number,
): Promise<HttpResponse> {
  const { url, signal } = request;
  const answer = await headOf(message, request, line, stallTimeout);
  const responseBody = new ResponseBody(answer, line, stallTimeout, signal);
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

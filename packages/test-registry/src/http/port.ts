import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyToReply, type Fault, type PortName, type RequestRecord, replaceReply } from './faults.ts';
import {
  ConnectionClosedError,
  createIncomingRequest,
  type IncomingRequest,
  resetConnection,
  type Writable,
} from './incoming-request.ts';
import { makePacers, type PacerPair } from './pacer.ts';
import type { Reply } from './reply.ts';
import { sendReply } from './send-reply.ts';

/** Handles a request. Exceptions are defects of the registry, reported with status 500. */
export type Handler = (incoming: IncomingRequest) => Promise<Reply>;

/** State shared by all ports. */
export interface PortContext {
  /** Additional latency of each response, in milliseconds. */
  readonly latency: number;
  /** Bandwidth of a connection in each direction, in bytes per second. */
  readonly rate: number | undefined;
  readonly tls: { readonly key: string; readonly cert: string } | undefined;
  /** PEM certificate of the authority whose client certificates are required, if any. */
  readonly clientAuthority?: string | undefined;
  /** Called with each request when it arrives. The record is updated while the request is handled. */
  onRequest(record: RequestRecord): void;
  /** Returns the fault of a request, if any. */
  takeFault(record: RequestRecord): Fault | undefined;
}

/** A listening server. */
export interface Port {
  /** Origin, such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Starts a server on loopback. @param port - 0 selects a free port. */
export async function openPort(name: PortName, port: number, context: PortContext, handler: Handler): Promise<Port> {
  const pacers = new WeakMap<Socket, PacerPair>();
  const scheme = context.tls ? 'https' : 'http';
  let origin = '';

  const serve = async (message: IncomingMessage, response: ServerResponse, socket: Socket): Promise<void> => {
    const record = recordOf(name, message);
    context.onRequest(record);
    const fault = context.takeFault(record);
    const pair = pacers.get(socket) ?? makePacers(context.rate);
    pacers.set(socket, pair);
    const { up, down } = fault?.kind === 'slow' ? makePacers(fault.rate) : pair;
    const host = message.headers.host;
    const seen = host === undefined ? origin : `${scheme}://${host}`;
    const incoming = createIncomingRequest(message, record, seen, fault, up);
    if (context.latency > 0) await sleep(context.latency);
    if ((fault?.kind === 'reset' || fault?.kind === 'stall') && fault.afterBytes === undefined) {
      if (fault.kind === 'reset') resetConnection(socket);
      return;
    }
    const reply = replaceReply(fault) ?? (await handler(incoming));
    if (fault?.kind === 'lost-response') resetConnection(socket);
    else await sendReply(response, applyToReply(reply, fault), record, fault, down);
  };

  const listener = (message: IncomingMessage, response: ServerResponse) => {
    const { socket } = message;
    serve(message, response, socket).catch((error: unknown) => {
      const isGone = error instanceof ConnectionClosedError || socket.destroyed;
      if (isGone || response.headersSent) socket.destroy();
      else
        response
          .writeHead(500, { 'content-type': 'text/plain' })
          .end(`internal error of the test registry: ${error}\n`);
    });
  };
  // No time limits, because tests use stalled and slow clients.
  const options = { keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 };
  const { tls, clientAuthority } = context;
  const mutual = clientAuthority === undefined ? {} : { requestCert: true, ca: clientAuthority };
  const server = tls ? createTlsServer({ ...options, ...tls, ...mutual }, listener) : createServer(options, listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  origin = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function recordOf(port: PortName, message: IncomingMessage): Writable<RequestRecord> {
  // The target of a request through a proxy is a whole URL. Clients that use the registry as their proxy reach it under any host.
  const [, path = '', query = ''] = /^(?:http:\/\/[^/?]*)?([^?]*)\??(.*)$/s.exec(message.url ?? '/') ?? [];
  const { authorization, range } = message.headers;
  return {
    port,
    method: message.method ?? '',
    path,
    query,
    status: 0,
    bytesIn: 0,
    bytesOut: 0,
    authorization: authorization !== undefined,
    ...(range !== undefined && { range }),
  };
}

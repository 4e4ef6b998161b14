import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens on a port of 127.0.0.1. */
export interface LoopbackServer {
  /** Such as `127.0.0.1:40123`. */
  readonly host: string;
  /** Ends it, and every connection. */
  close(): Promise<void>;
}

/** Starts a server on any port that is free. What `handle` throws is a defect of ours, and answered with 500. */
export async function openLoopbackServer(
  handle: (message: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<LoopbackServer> {
  // No time limits: a runtime keeps its connection while a function works, and may do so for a quarter of an hour.
  const options = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };
  const server = createServer(options, async (message, response) => {
    try {
      await handle(message, response);
    } catch (error) {
      if (response.headersSent || message.socket.destroyed) message.socket.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`defect of the test server: ${error}\n`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Reads a body to its end, so that there is an answer to one that is larger than `limit` bytes, too: then to its size. */
export async function readBody(
  message: IncomingMessage,
  limit: number,
): Promise<{ readonly bytes: Buffer } | { readonly size: number }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= limit ? { bytes: Buffer.concat(chunks) } : { size };
}

/** Answers in JSON. Header fields by name; `content-type` may be another. */
export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}

/** What a text says as JSON; undefined, which no JSON says, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens on a port of 127.0.0.1. */
export interface LoopbackServer {
  /** Host and port, such as `127.0.0.1:40123`. */
  readonly host: string;
  /** Closes the server and all connections. */
  close(): Promise<void>;
}

/** Starts a server on a free port. An error of `handle` is a bug of the test server and results in status 500. */
export async function openLoopbackServer(
  handle: (message: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<LoopbackServer> {
  // No timeouts: a runtime keeps its connection open while a function runs, for up to 30 minutes.
  const options = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };
  const server = createServer(options, async (message, response) => {
    try {
      await handle(message, response);
    } catch (error) {
      if (response.headersSent || message.socket.destroyed) message.socket.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`bug in the test server: ${error}\n`);
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

/** Reads a body to its end. Returns only its size if it is larger than `limit` bytes. */
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

/** Sends a JSON response. `headers` can override `content-type`. */
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

/** Parses JSON. Returns undefined if the text is not valid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns whether a value is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

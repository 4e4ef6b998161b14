import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens on a port of 127.0.0.1. */
export interface LoopbackServer {
  /** Such as `127.0.0.1:40123`. */
  readonly host: string;
  /** Ends it, and every connection. */
  close(): Promise<void>;
}

/** Answers a request. What it throws is a defect of ours, and answered with 500. */
export type RequestHandler = (message: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** Starts a server on any port that is free. */
export async function openLoopbackServer(handle: RequestHandler): Promise<LoopbackServer> {
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
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Pacer } from '@soci/test-registry';

/** Options of {@link startProxy}. */
export interface ProxyOptions {
  /** Host and port of the registry. */
  readonly upstream: string;
  /** Bytes per second that all responses share. @default unlimited */
  readonly bytesPerSecond?: number;
  /** Delay of each request, in milliseconds. @default 0 */
  readonly latency?: number;
  /** Port on 127.0.0.1. @default a free port */
  readonly port?: number;
}

/** A request that the proxy has answered, or whose client has gone. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path, without the query. */
  readonly path: string;
  /** `Range` header. */
  readonly range: string | undefined;
  /** Status of the response; 502 if the registry did not answer. */
  readonly status: number;
  /** Bytes of the response's body that were sent. */
  readonly bytes: number;
  /** `User-Agent` header, such as `containerd/v2.2.9` or `soci-snapshotter/v0.16.1`. */
  readonly userAgent: string;
}

/** What clients have fetched since the last {@link CountingProxy.clear}. */
export interface ProxyTraffic {
  readonly requests: number;
  /** Bytes of the bodies of responses, including those that are still being sent. */
  readonly bytes: number;
  /** Number of requests whose responses have not ended. */
  readonly active: number;
}

/** A proxy that {@link startProxy} has started. */
export interface CountingProxy {
  /** Host and port: replaces the registry's in references. */
  readonly host: string;
  /** Requests since the last {@link CountingProxy.clear}, in the order of their ends. */
  readonly requests: readonly ProxiedRequest[];
  /** Counts since the last {@link CountingProxy.clear}. */
  readonly traffic: ProxyTraffic;
  /** Forgets the requests and counts. */
  clear(): void;
  /** Closes all connections. */
  stop(): Promise<void>;
}

/** Starts a proxy for a registry that counts what clients fetch, and simulates a network. */
export async function startProxy({
  upstream,
  bytesPerSecond,
  latency = 0,
  port = 0,
}: ProxyOptions): Promise<CountingProxy> {
  const requests: ProxiedRequest[] = [];
  let traffic = { requests: 0, bytes: 0, active: 0 };
  const agent = new Agent({ keepAlive: true });
  const pacer = bytesPerSecond === undefined ? undefined : new Pacer(bytesPerSecond);
  const server = createServer(async (incoming, response) => {
    const counts = traffic;
    counts.requests++;
    counts.active++;
    let bytes = 0;
    response.on('close', () => {
      counts.active--;
      const { method = '', headers, url = '' } = incoming;
      const { range, 'user-agent': userAgent = '' } = headers;
      const path = url.replace(/\?.*/, '');
      requests.push({ method, path, range, status: response.statusCode, bytes, userAgent });
    });
    if (latency > 0) await wait(latency);
    try {
      const answer = await forward(incoming, response, upstream, agent);
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      pacer?.begin();
      const paced = async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          await pacer?.spend(chunk.length);
          bytes += chunk.length;
          counts.bytes += chunk.length;
          yield chunk;
        }
      };
      await pipeline(answer, paced, response);
    } catch {
      // The client or the registry has closed its connection.
      if (response.headersSent || response.destroyed) response.destroy();
      else response.writeHead(502).end();
    }
  });
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get traffic() {
      return { ...traffic };
    },
    clear() {
      requests.length = 0;
      traffic = { requests: 0, bytes: 0, active: 0 };
    },
    stop() {
      agent.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  upstream: string,
  agent: Agent,
): Promise<IncomingMessage> {
  const { hostname: host, port } = new URL(`http://${upstream}`);
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    // The Host header stays, so that the registry answers with addresses of the proxy.
    const outgoing = request({ host, port, method, path, headers, agent }, resolve);
    outgoing.on('error', reject);
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
}

import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A call of an AWS API. */
export interface RecordedCall {
  readonly method: string;
  /** Path with the query. */
  readonly path: string;
  /** Value of `x-amz-target`, such as `AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken`; empty for REST APIs. */
  readonly target: string;
  /** Input of a call of a JSON API. */
  readonly input: {
    readonly repositoryName?: string;
    readonly cluster?: string;
    readonly Entries?: readonly { readonly EventBusName: string }[];
  };
}

/** A proxy for an AWS API that records the calls. */
export interface RecordingProxy {
  /** Endpoint that is passed to a function. */
  readonly endpoint: string;
  /** Calls in order. */
  readonly calls: readonly RecordedCall[];
  stop(): Promise<void>;
}

/** Starts a proxy for an API. */
export async function startRecordingProxy(behind: string): Promise<RecordingProxy> {
  const calls: RecordedCall[] = [];
  const server = createServer(async (request, response) => {
    const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
      name === 'host' || name === 'connection' ? [] : values.map((value): [string, string] => [name, value]),
    );
    const body = await buffer(request);
    const { method = '', url = '' } = request;
    const target = String(request.headers['x-amz-target'] ?? '');
    calls.push({ method, path: url, target, input: target === '' ? {} : JSON.parse(body.toString()) });
    const answer = await fetch(behind + url, { method, headers, body: body.length > 0 ? body : null });
    const passed = ['content-type', 'last-modified'].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    response.writeHead(answer.status, Object.fromEntries(passed));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

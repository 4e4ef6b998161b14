import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A call of a JSON API. */
export interface RecordedCall {
  /** Value of `x-amz-target`, such as `AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken`. */
  readonly target: string;
  readonly input: { readonly repositoryName?: string };
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
    calls.push({ target: String(request.headers['x-amz-target']), input: JSON.parse(body.toString()) });
    const { method = '', url = '' } = request;
    const answer = await fetch(behind + url, { method, headers, body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
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

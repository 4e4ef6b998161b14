import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** What the Runtime API answers. */
interface RuntimeApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An invocation that the Runtime API hands out. */
export interface NextInvocation {
  readonly requestId: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly functionArn: string;
  readonly traceId: string;
  /** JSON. */
  readonly payload: string;
}

/** Speaks the Runtime API, over one connection. @see AWS Lambda Developer Guide, "Using the Lambda runtime API" */
export class RuntimeApiClient {
  readonly #host: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** @param host - Host and port, as in `AWS_LAMBDA_RUNTIME_API`. */
  constructor(host: string) {
    this.#host = host;
  }

  async next(): Promise<NextInvocation> {
    const { status, headers, body } = await this.#send('GET', 'invocation/next');
    if (status !== 200) throw new Error(`the Runtime API has no work: ${status} ${body}`);
    const header = (name: string) => String(headers[`lambda-runtime-${name}`] ?? '');
    return {
      requestId: header('aws-request-id'),
      deadline: Number(header('deadline-ms')),
      functionArn: header('invoked-function-arn'),
      traceId: header('trace-id'),
      payload: body,
    };
  }

  /** Answers an invocation. What is refused, Lambda makes an error of; the runtime goes on. */
  async respond(requestId: string, result: string): Promise<void> {
    await this.#send('POST', `invocation/${requestId}/response`, result);
  }

  async fail(requestId: string, error: unknown): Promise<void> {
    await this.#sendError(`invocation/${requestId}/error`, error);
  }

  async failInit(error: unknown): Promise<void> {
    await this.#sendError('init/error', error);
  }

  async #sendError(path: string, error: unknown): Promise<void> {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const body = JSON.stringify({ errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] });
    await this.#send('POST', path, body, { 'lambda-runtime-function-error-type': name });
  }

  #send(method: string, path: string, body = '', headers: Record<string, string> = {}): Promise<RuntimeApiAnswer> {
    return new Promise((resolve, reject) => {
      const url = `http://${this.#host}/2018-06-01/runtime/${path}`;
      const size = { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = request(url, { method, agent: this.#agent, headers: { ...headers, ...size } }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

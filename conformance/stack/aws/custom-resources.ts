import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type Invocation, startTestLambda } from '@soci/test-aws';
import type { CloudFormationRequest } from '../../../packages/functions/src/cloudformation/send-response.ts';
import { startResponseEndpoint } from '../../../packages/functions/src/deploy-time/fixtures/response-endpoint.ts';
import type { DeployedFunction } from './deployed.ts';
import { createTestFunction } from './test-function.ts';

/** Runs the functions of custom resources for moto's CloudFormation. */
export interface CustomResources {
  /** URL to which `moto/serve.py` posts requests. The response is that of the function. */
  readonly url: string;
  /** All invocations so far, including those that functions made. */
  readonly invocations: readonly Invocation[];
  stop(): Promise<void>;
}

/** A request of moto. */
interface Task {
  readonly function: DeployedFunction;
  /** The zip of the function, in Base64. */
  readonly code: string;
  readonly event: Omit<CloudFormationRequest, 'ResponseURL'>;
}

/** Maximum length of the name of a function. @see AWS Lambda API Reference, CreateFunction */
const MAX_NAME = 64;

/** Starts the server. @param endpoints - Variables with the endpoints of the test registry. */
export async function startCustomResources(endpoints: Readonly<Record<string, string>>): Promise<CustomResources> {
  const invocations: Invocation[] = [];
  const server = createServer(async (request, response) => {
    const task = (await json(request)) as Task;
    if (task.code === undefined) {
      response.writeHead(400).end('not a request of moto/serve.py');
      return;
    }
    const { invoked, answer } = await run(task, endpoints).catch((error: Error) => ({
      invoked: [],
      answer: { Status: 'FAILED', Reason: error.message },
    }));
    invocations.push(...invoked);
    // CloudFormation reports the same after one hour.
    const log = () => invoked.flatMap(({ outcome, log }) => [JSON.stringify(outcome), ...log]).join('\n');
    response.end(JSON.stringify(answer ?? { Status: 'FAILED', Reason: `no response was received: ${log()}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    invocations,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs a function in a new Lambda until no invocation is pending. Receives its response over HTTPS. */
async function run({ function: created, code, event }: Task, endpoints: Readonly<Record<string, string>>) {
  // CloudFormation shortens generated names, but moto does not.
  const deployed = { ...created, FunctionName: created.FunctionName.slice(-MAX_NAME) };
  const endpoint = await startResponseEndpoint();
  const lambda = await startTestLambda({ retryDelay: 10 });
  try {
    createTestFunction(lambda, deployed, Buffer.from(code, 'base64'), {
      ...endpoints,
      NODE_EXTRA_CA_CERTS: endpoint.caFile,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    });
    lambda.enqueue(deployed.FunctionName, { ...event, ResponseURL: endpoint.url });
    await lambda.idle();
    return { invoked: lambda.invocations, answer: endpoint.responses[0] };
  } finally {
    await Promise.all([lambda.stop(), endpoint.stop()]);
  }
}

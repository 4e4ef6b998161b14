import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type Invocation, startTestLambda } from '@soci/test-aws';
import type { CloudFormationRequest } from '../../../packages/functions/src/cloudformation/send-response.ts';
import { startResponseEndpoint } from '../../../packages/functions/src/deploy-time/fixtures/response-endpoint.ts';
import type { DeployedFunction } from './deployed.ts';
import { createTestFunction } from './test-function.ts';

/** What runs the functions of custom resources for moto's CloudFormation. */
export interface CustomResources {
  /** Where `moto/serve.py` posts what is to be done; the answer is that of the function. */
  readonly url: string;
  /** What was run until now, with whatever the functions invoked themselves. */
  readonly invocations: readonly Invocation[];
  stop(): Promise<void>;
}

/** What moto hands over. */
interface Task {
  readonly function: DeployedFunction;
  /** Its zip, in Base64. */
  readonly code: string;
  readonly event: Omit<CloudFormationRequest, 'ResponseURL'>;
}

/** Starts it. @param endpoints - Variables that lead functions to this machine's registry. */
export async function startCustomResources(endpoints: Readonly<Record<string, string>>): Promise<CustomResources> {
  const invocations: Invocation[] = [];
  const server = createServer(async (request, response) => {
    const { invoked, answer } = await run((await json(request)) as Task, endpoints);
    invocations.push(...invoked);
    // CloudFormation says so too, after an hour.
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

/** Runs a function in a Lambda of its own until nothing is left to do, and takes its answer over HTTPS. */
async function run({ function: deployed, code, event }: Task, endpoints: Readonly<Record<string, string>>) {
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

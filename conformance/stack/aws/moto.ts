import { join } from 'node:path';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { REPORTS } from '../../run-report.ts';
import { toolPath } from '../../tools/tools.ts';
import { AwsCalls } from './aws-calls.ts';
import { type CustomResources, startCustomResources } from './custom-resources.ts';

/** A running moto. */
export interface Moto {
  readonly aws: AwsCalls;
  readonly customResources: CustomResources;
  /** Stops moto. */
  stop(): Promise<void>;
}

/**
 * Starts moto with additions to its CloudFormation (`moto/serve.py`).
 *
 * @param endpoints - Variables with the endpoints of the test registry, for functions of custom resources.
 * @param lambdaEndpoint - Endpoint of the Lambda that runs the functions of state machines. Without it, moto runs no state
 * machines.
 * @param settings - Further variables of moto.
 */
export async function startMoto(
  endpoints: Readonly<Record<string, string>> = {},
  lambdaEndpoint?: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Moto> {
  const serve = join(import.meta.dirname, '..', 'moto', 'serve.py');
  const customResources = await startCustomResources(endpoints);
  // Not before the other server listens: it could get the same port.
  const port = await freePort();
  const args = ['-u', serve, customResources.url, '-H', '127.0.0.1', '-p', String(port)];
  const env = { ...settings, ...(lambdaEndpoint !== undefined && { LAMBDA_ENDPOINT: lambdaEndpoint }) };
  const server = await startServer({
    path: toolPath('moto'),
    args,
    env,
    port,
    log: join(REPORTS.stack.folder, 'moto.log'),
  });
  const url = `http://127.0.0.1:${port}`;
  // By default, moto needs Docker for each function, and only records executions of state machines.
  const configuration = {
    lambda: { use_docker: false },
    ...(lambdaEndpoint !== undefined && { stepfunctions: { execute_state_machine: true } }),
  };
  await fetch(`${url}/moto-api/config`, { method: 'POST', body: JSON.stringify(configuration) });
  const stop = async () => {
    await server.kill();
    await customResources.stop();
  };
  return { aws: new AwsCalls(url), customResources, stop };
}

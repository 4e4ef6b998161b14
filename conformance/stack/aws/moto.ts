import { join } from 'node:path';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { toolPath } from '../../tools/tools.ts';
import { REPORT } from '../report.ts';
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
 */
export async function startMoto(endpoints: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const serve = join(import.meta.dirname, '..', 'moto', 'serve.py');
  const customResources = await startCustomResources(endpoints);
  // Not before the other server listens: it could get the same port.
  const port = await freePort();
  const args = ['-u', serve, customResources.url, '-H', '127.0.0.1', '-p', String(port)];
  const server = await startServer({ path: toolPath('moto'), args, port, log: join(REPORT.folder, 'moto.log') });
  const url = `http://127.0.0.1:${port}`;
  // By default, moto needs Docker for each function.
  await fetch(`${url}/moto-api/config`, { method: 'POST', body: '{"lambda":{"use_docker":false}}' });
  const stop = async () => {
    await server.kill();
    await customResources.stop();
  };
  return { aws: new AwsCalls(url), customResources, stop };
}

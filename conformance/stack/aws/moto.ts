import { join } from 'node:path';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { toolPath } from '../../tools/tools.ts';
import { REPORT } from '../report.ts';
import { AwsCalls } from './aws-calls.ts';
import { type CustomResources, startCustomResources } from './custom-resources.ts';

/** An AWS that moto imitates. */
export interface Moto {
  readonly aws: AwsCalls;
  readonly customResources: CustomResources;
  /** Ends it. */
  stop(): Promise<void>;
}

/**
 * Starts moto, with what its CloudFormation lacks (`moto/serve.py`).
 *
 * @param endpoints - Variables that lead the functions of custom resources to this machine's registry.
 */
export async function startMoto(endpoints: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const port = await freePort();
  const serve = join(import.meta.dirname, '..', 'moto', 'serve.py');
  const customResources = await startCustomResources(endpoints);
  const args = ['-u', serve, customResources.url, '-H', '127.0.0.1', '-p', String(port)];
  const server = await startServer({ path: toolPath('moto'), args, port, log: join(REPORT.folder, 'moto.log') });
  const url = `http://127.0.0.1:${port}`;
  // Else it wants Docker for every function.
  await fetch(`${url}/moto-api/config`, { method: 'POST', body: '{"lambda":{"use_docker":false}}' });
  const stop = async () => {
    await server.kill();
    await customResources.stop();
  };
  return { aws: new AwsCalls(url), customResources, stop };
}

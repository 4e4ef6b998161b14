import { join } from 'node:path';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { partOf } from '../parts.ts';
import { REPORT } from '../report.ts';
import { AwsCalls } from './aws-calls.ts';

/** An AWS that moto imitates. */
export interface Moto {
  readonly aws: AwsCalls;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Starts moto, whose CloudFormation runs custom resources as `moto/serve.py` says. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const serve = join(import.meta.dirname, '..', 'moto', 'serve.py');
  const args = ['-u', serve, process.execPath, '-H', '127.0.0.1', '-p', String(port)];
  const server = await startServer({ path: partOf('moto'), args, port, log: join(REPORT.folder, 'moto.log') });
  const url = `http://127.0.0.1:${port}`;
  // Else it wants Docker for every function.
  await fetch(`${url}/moto-api/config`, { method: 'POST', body: '{"lambda":{"use_docker":false}}' });
  return { aws: new AwsCalls(url), stop: () => server.kill() };
}

import { join } from 'node:path';
import type { TestFunctionOptions } from '@soci/test-aws';
import { freePort, startServer } from '../../registries/launch/server-process.ts';
import { toolPath } from '../../tools/tools.ts';

const LOG = join(import.meta.dirname, '..', '.reports', 'emulator.log');

/** A function under AWS's emulator. */
interface Emulator {
  /** Invokes the function. Returns its result, or the error in Lambda's format. */
  invoke(event: unknown): Promise<unknown>;
  /** Stops the emulator and the function. */
  stop(): Promise<void>;
}

/** Starts a function under AWS's emulator. The first invocation starts its process. */
export async function startEmulator({
  folder,
  environment,
  timeout = 3,
  runtimeClient = [],
}: TestFunctionOptions): Promise<Emulator> {
  const [port, runtimePort] = [await freePort(), await freePort()];
  const flags = [
    ...['--runtime-interface-emulator-address', `127.0.0.1:${port}`],
    ...['--runtime-api-address', `127.0.0.1:${runtimePort}`],
  ];
  const server = await startServer({
    path: toolPath('emulator'),
    args: [...flags, ...runtimeClient],
    env: {
      ...environment,
      LAMBDA_TASK_ROOT: folder,
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeout),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    port,
    log: LOG,
  });
  return {
    async invoke(event) {
      const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
      return answer.json();
    },
    stop: () => server.stop(),
  };
}

// The functions do not write files. The generator works if the kernel or Node denies writing.
import type { GeneratorResponse } from '@soci/functions';
import { describe, expect, test } from 'vitest';
import { goldenImage } from '../registries/golden-layout.ts';
import { REPORTS } from '../run-report.ts';
import { writeFunction } from './bundle/unpacked.ts';
import { type Deployment, GENERATOR, generatorFunction } from './functions.ts';
import { canLaunch, NO_WRITING, READ_ONLY } from './launchers/launchers.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startEcr, startLambda } from './runtimes.ts';
import { resultOf } from './workflow.ts';

/** A function that tries to write to common folders. */
const PROBE = `
  import { randomUUID } from 'node:crypto';
  import { writeFileSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  import { join } from 'node:path';

  const attempt = (folder) => {
    try {
      writeFileSync(join(folder, randomUUID()), 'x');
      return 'written';
    } catch ({ code }) {
      return code;
    }
  };
  export const handler = async () => ({
    attempts: [tmpdir(), process.cwd(), '/dev/shm', '/var/tmp'].map(attempt),
  });
`;

const WAYS: readonly { name: string; code: string; isAvailable: boolean; deployment: Deployment }[] = [
  {
    name: 'every mount read-only',
    code: 'EROFS',
    isAvailable: canLaunch(READ_ONLY),
    deployment: { launcher: READ_ONLY },
  },
  { name: "Node's permission model", code: 'ERR_ACCESS_DENIED', isAvailable: true, deployment: { flags: NO_WRITING } },
];

if (!canLaunch(READ_ONLY))
  REPORTS.lambda.skipped('read-only mounts, which this machine does not allow. Run as root, outside a container.');

for (const runtime of RUNTIMES) {
  for (const { name, code, isAvailable, deployment } of WAYS) {
    describe.skipIf(!runtime.isAvailable || !isAvailable)(`${runtime.name}: ${name}`, () => {
      test('no file can be written', async () => {
        const lambda = await startLambda();
        const { flags = [], ...rest } = deployment;
        const runtimeClient = runtime.program(...flags);
        lambda.createFunction({ name: 'probe', folder: writeFunction('probe', PROBE), runtimeClient, ...rest });
        const { attempts } = resultOf<{ attempts: string[] }>(await lambda.invoke('probe', {}));
        expect(attempts).toEqual([code, code, code, code]);
      });

      test.each(['V1', 'V2'])('the generator writes an index of version %s', async (version) => {
        const registry = await startEcr();
        const lambda = await startLambda();
        const environment = { soci_index_version: version };
        // Memory for two cores, so that the generator starts threads too.
        const memorySize = 3538;
        lambda.createFunction(generatorFunction(runtime, registry, { ...deployment, environment, memorySize }));
        await pushLayout(registry, 'team/app', 'v1', goldenImage('multi').folder);
        const event = registry.events.at(-1);
        expect(resultOf<GeneratorResponse>(await lambda.invoke(GENERATOR, event))).toMatchObject({
          outcome: 'indexed',
        });
      });
    });
  }
}

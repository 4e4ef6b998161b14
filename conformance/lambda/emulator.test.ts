// Both functions under AWS's Lambda emulator, which serves the Runtime API to AWS's runtime client.
import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import type { TestFunctionOptions } from '@soci/test-aws';
import { describe, expect, onTestFinished, test } from 'vitest';
import { goldenImage } from '../registries/golden-layout.ts';
import { freePort } from '../registries/launch/server-process.ts';
import { hasTools } from '../tools/tools.ts';
import { writeFunction } from './bundle/unpacked.ts';
import { filterFunction, GENERATOR, GENERATOR_ARN, generatorFunction } from './functions.ts';
import { startEmulator } from './oracles/emulator.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startEcr, startLambda } from './runtimes.ts';

/** Account that the emulator gives to its functions. */
const ACCOUNT = '012345678912';
const ECHO = 'export const handler = async (event) => event;\n';

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable || !hasTools('emulator'))(runtime.name, () => {
    test('a push passes the filter and is indexed by the generator', async () => {
      const registry = await startEcr({ account: ACCOUNT });
      // Replaces the Lambda API, which the emulator lacks, and records what the filter sends.
      const lambda = await startLambda(ACCOUNT);
      lambda.createFunction({ name: GENERATOR, folder: writeFunction('echo', ECHO), node: runtime.node() });
      const environment = { soci_index_generator_lambda_arn: GENERATOR_ARN.replace('123456789012', ACCOUNT) };
      const filter = await emulate(filterFunction(runtime, lambda, { environment }));
      const generator = await emulate(generatorFunction(runtime, registry));

      await pushLayout(registry, 'team/app', 'v1', goldenImage('multi').folder);
      const event = registry.events.at(-1);
      expect((await filter(event)) as FilterResponse).toMatchObject({ statusCode: 200 });
      await lambda.idle();
      expect(lambda.invocations).toMatchObject([{ type: 'Event', payload: event }]);
      const answer = (await generator(lambda.invocations[0]?.payload)) as GeneratorResponse;
      expect(answer).toMatchObject({ outcome: 'indexed', outputTag: 'v1-soci' });
      expect(registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
    });

    test('the first invocation reports invalid settings', async () => {
      const environment = { soci_repository_image_tag_filters: '' };
      const filter = await emulate(
        filterFunction(runtime, { endpoint: `http://127.0.0.1:${await freePort()}` }, { environment }),
      );
      expect(await filter({})).toMatchObject({
        errorMessage: expect.stringContaining('soci_repository_image_tag_filters is missing'),
      });
    });
  });
}

async function emulate(options: TestFunctionOptions): Promise<(event: unknown) => Promise<unknown>> {
  const emulator = await startEmulator(options);
  onTestFinished(() => emulator.stop());
  return emulator.invoke;
}

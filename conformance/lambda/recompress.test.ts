// The generator recompresses zstd layers on each runtime, and uploads them to a registry that imitates Amazon ECR.
import { join } from 'node:path';
import type { GeneratorResponse } from '@soci/functions';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { writeZstdImage } from '../registries/made-image.ts';
import { GENERATOR, generatorFunction } from './functions.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startEcr, startLambda } from './runtimes.ts';
import { resultOf } from './workflow.ts';

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(runtime.name, () => {
    test('indexes an image of zstd layers of a usual size, in as many threads as layers', async () => {
      const layout = join(temporaryFolder(), 'zstd');
      await writeZstdImage(layout);
      const registry = await startEcr();
      const lambda = await startLambda();
      const environment = { soci_recompress: 'zstd' };
      lambda.createFunction(generatorFunction(runtime, registry, { environment, memorySize: 3538 }));
      await pushLayout(registry, 'zstd', 'v1', layout);
      const event = registry.events.at(-1);
      const answer = resultOf<GeneratorResponse>(await lambda.invoke(GENERATOR, event));
      if (answer.outcome !== 'indexed') throw new Error(answer.body);
      expect(answer.layers).toEqual({ built: 2, reused: 0, skipped: 0 });
      expect(answer.recompressed).toHaveLength(2);
      expect(answer.spansVerified).toBeGreaterThan(0);
      expect(registry.checkGraph('zstd', 'v1-soci')).toEqual([]);
      const again = resultOf<GeneratorResponse>(await lambda.invoke(GENERATOR, event));
      expect(again).toMatchObject({ outcome: 'skipped', reason: 'already-indexed' });
    });
  });
}

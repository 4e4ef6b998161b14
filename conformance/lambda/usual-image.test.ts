// An image of typical size, with hundreds of spans in each layer. The generator produces the same result as the live
// reference.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GeneratorResponse } from '@soci/functions';
import type { Descriptor } from '@soci/oci';
import { USUAL_IMAGE, writeImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { runWell } from '../registries/run-program.ts';
import { hasTools, toolPath } from '../tools/tools.ts';
import { GENERATOR, generatorFunction } from './functions.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startEcr, startLambda } from './runtimes.ts';
import { resultOf } from './workflow.ts';

const runtime = RUNTIMES.at(-1);

test.skipIf(!runtime?.isAvailable || !hasTools('reference'))(
  'the reference produces the same result for 437 MB',
  async () => {
    if (runtime === undefined) return;
    const folder = temporaryFolder();
    const layout = join(folder, 'layout');
    await writeImage(layout, USUAL_IMAGE);
    const copy = join(folder, 'copy');
    const printed = await runWell(toolPath('reference'), ['index', '-v', '2', layout, copy]);
    const [expected] = JSON.parse(printed.toString()) as [Descriptor];
    rmSync(copy, { recursive: true });

    const registry = await startEcr({ folder: join(folder, 'store') });
    const lambda = await startLambda();
    // With threads, because their tasks may end in any order.
    const environment = { soci_compat: 'soci-cli', soci_min_layer_size: '' };
    lambda.createFunction(generatorFunction(runtime, registry, { environment, memorySize: 3538 }));
    await pushLayout(registry, 'usual', 'v1', layout);
    const answer = resultOf<GeneratorResponse>(await lambda.invoke(GENERATOR, registry.events.at(-1)));
    if (answer.outcome !== 'indexed') throw new Error(answer.body);
    expect(answer.layers).toEqual({ built: USUAL_IMAGE.length - 1, reused: 0, skipped: 1 });
    expect(answer.root?.digest).toBe(expected.digest);
  },
);

// Memory, disk and time for an image within Lambda's limits: a memory cgroup of the configured size, one core, and a
// read-only file system.
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GeneratorResponse } from '@soci/functions';
import { makeFunctionCgroup } from '@soci/test-aws';
import { LARGE_IMAGE, type LayerRecipe, USUAL_IMAGE, type WrittenImage, writeImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { REPORTS } from '../run-report.ts';
import { GENERATOR, generatorFunction } from './functions.ts';
import { canLaunch, ONE_CORE, READ_ONLY } from './launchers/launchers.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startLambda } from './runtimes.ts';
import { resultOf } from './workflow.ts';

const MB = 1e6;
const MIB = 2 ** 20;
const GB = 1e9;

/** Maximum memory of the generator for a typical image, in bytes. */
const GOAL = 200 * MIB;
const TIMEOUT = 900;

interface Sample {
  readonly name: string;
  readonly recipes: readonly LayerRecipe[];
  /** Required disk space, in bytes. The image is stored twice. */
  readonly disk: number;
  /** Memory of the function, in MB: a small size, and the size at which Lambda provides one core. */
  readonly memorySizes: readonly number[];
  /** Maximum memory, in bytes. */
  most(image: WrittenImage): number;
}

const IMAGES: readonly Sample[] = [
  {
    name: 'an image of 437 MB',
    recipes: USUAL_IMAGE,
    disk: 2 * GB,
    memorySizes: [512, 1769],
    most: () => GOAL,
  },
  {
    name: 'an image of 6 GB',
    recipes: LARGE_IMAGE,
    disk: 7 * GB,
    memorySizes: [512],
    // A zTOC has 32 KiB for every 4 MiB, and stays in memory until its layer is verified. It still meets the goal.
    most: ({ plainSize }) => GOAL + plainSize / 128,
  },
];

const launchers = [...(canLaunch(ONE_CORE) ? ONE_CORE : []), ...(canLaunch(READ_ONLY) ? READ_ONLY : [])];
const free = await statfs(tmpdir()).then(({ bavail, bsize }) => bavail * bsize);
const probe = makeFunctionCgroup({ memory: 512 * MIB });
probe?.remove();
if (probe === undefined)
  REPORTS.lambda.skipped('memory limits, because no control group can be created. Run as root, outside a container.');

for (const { name, recipes, disk, memorySizes, most } of IMAGES) {
  if (free < disk) REPORTS.lambda.skipped(`${name}: it needs ${disk / GB} GB of disk space.`);

  describe.skipIf(free < disk)(name, () => {
    const folder = temporaryFolder();
    let registry: TestRegistry;
    let image: WrittenImage;

    beforeAll(async () => {
      image = await writeImage(join(folder, 'layout'), recipes);
      const store = join(folder, 'store');
      registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true, folder: store });
    }, TIMEOUT * 1000);
    afterAll(() => registry.stop());

    for (const runtime of RUNTIMES) {
      for (const memorySize of memorySizes) {
        test.skipIf(!runtime.isAvailable)(
          `${runtime.name}, ${memorySize} MB: ends within its memory`,
          async () => {
            const cgroup = makeFunctionCgroup({ memory: memorySize * MIB });
            onTestFinished(() => cgroup?.remove());
            const lambda = await startLambda();
            const launcher = [...(cgroup?.launcher ?? []), ...launchers];
            lambda.createFunction(generatorFunction(runtime, registry, { memorySize, launcher, timeout: TIMEOUT }));
            const repository = `${runtime.name.toLowerCase().replace(' ', '')}/with-${memorySize}`;
            await pushLayout(registry, repository, 'v1', join(folder, 'layout'));
            const invocation = await lambda.invoke(GENERATOR, registry.events.at(-1));
            const answer = resultOf<GeneratorResponse>(invocation);
            expect(answer).toMatchObject({ outcome: 'indexed', layers: { built: recipes.length, skipped: 0 } });
            expect(registry.checkGraph(repository, 'v1-soci')).toEqual([]);
            const { maxMemory = Number.NaN, milliseconds } = invocation;
            REPORTS.lambda.measured(`${name}, ${runtime.name}, ${memorySize} MB`, {
              'peak of memory, MiB': maxMemory / MIB,
              ...(cgroup && { 'peak of the cgroup, MiB': cgroup.peakMemory() / MIB }),
              seconds: milliseconds / 1000,
              'compressed MB/s': image.size / MB / (milliseconds / 1000),
              'MB/s': image.plainSize / MB / (milliseconds / 1000),
            });
            expect(maxMemory).toBeLessThanOrEqual(most(image));
          },
          TIMEOUT * 1000,
        );
      }
    }
  });
}

// From a push to an index, through rule, filter and generator. Two matchers check the rule. Our verification and the
// reference, with the code that runs when a container starts, check the index.

import { eventPattern } from '@soci/filter';
import type { GeneratorResponse } from '@soci/functions';
import { verifySociIndex } from '@soci/index';
import { openRegistry } from '@soci/registry';
import { matchesEventPattern } from '@soci/test-aws';
import { AMD64, ARM64, makeImage, makeIndex, makeLayer, pushImage, S390X } from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenImage } from '../registries/golden-layout.ts';
import { hasTools } from '../tools/tools.ts';
import { type MotoRule, startMotoRule } from './oracles/moto.ts';
import { pullByReference } from './oracles/reference.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, type Runtime } from './runtimes.ts';
import { type Rule, Workflow } from './workflow.ts';

const PATTERN = eventPattern();
/**
 * Images of one platform, of several, with Docker media types, with attestations, and with layers that are not indexed.
 */
const IMAGES = [
  'single-oci',
  'single-docker',
  'multi',
  'multi-docker',
  'attested',
  'mixed-compression',
  'same-layer-twice',
];

const ourRule: Rule = (events) => events.filter((event) => matchesEventPattern(PATTERN, event));

let moto: MotoRule | undefined;
beforeAll(async () => {
  if (hasTools('moto')) moto = await startMotoRule(PATTERN);
});
afterAll(() => moto?.stop());

/** The rule in moto, which must match the same events as ours. */
const motoRule: Rule = async (events) => {
  const passed = (await moto?.pass(events)) ?? [];
  expect(passed.map(detailOf).sort()).toEqual((await ourRule(events)).map(detailOf).sort());
  // moto omits fields that EventBridge always sets.
  return passed.map((event) => ({ account: '123456789012', ...event }));
};

function imageOfThreePlatforms() {
  const platforms = [AMD64, ARM64, S390X];
  return makeIndex(
    platforms.map((platform) => ({
      made: makeImage([makeLayer(platform.architecture)], { platform }),
      fields: { platform },
    })),
  );
}

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(runtime.name, () => {
    for (const { name, rule, isAvailable } of [
      { name: 'our matcher', rule: ourRule, isAvailable: true },
      { name: 'moto', rule: motoRule, isAvailable: hasTools('moto') },
    ]) {
      test.skipIf(!isAvailable)(`a push of an image with three platforms gives one index, with ${name}`, async () => {
        const workflow = await Workflow.start({ runtime, rule });
        const { registry } = workflow;
        registry.createRepository('team/app');
        await pushImage(registry, 'team/app', 'v1', imageOfThreePlatforms());
        await workflow.settle();
        // The client pushes each platform without a tag: 4 events with that of the image. The generator pushes SOCI
        // indexes and converted manifests: 7 events. The rule matches two: the image, and the converted image, which
        // the filter skips because of its tag.
        expect(registry.events).toHaveLength(11);
        expect(workflow.filterAnswers).toMatchObject([
          { statusCode: 200, body: expect.stringContaining('Successfully invoked') },
          { statusCode: 200, body: expect.stringContaining('which is not indexed') },
        ]);
        expect(workflow.generatorAnswers).toMatchObject([{ outcome: 'indexed', outputTag: 'v1-soci' }]);
        expect(registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
        expect(workflow.lambda.abandoned).toEqual([]);
      });
    }

    for (const version of ['V1', 'V2']) {
      test(`${version}: the result for each image is valid`, async () => {
        const { registry, generatorAnswers } = await indexImages(runtime, version);
        for (const answer of generatorAnswers) await expectValid(registry, answer);
      });

      test.skipIf(!hasTools('reference'))(
        `${version}: the reference pulls it, and reads files through it`,
        async () => {
          const { registry, generatorAnswers } = await indexImages(runtime, version);
          for (const answer of generatorAnswers) {
            const { repository, outputTag = 'v1', indexes } = indexed(answer);
            const pulled = await pullByReference(registry, `${repository}:${outputTag}`);
            expect(pulled).toMatchObject({ indexes: indexes.map(({ digest }) => digest), problems: [] });
            expect(pulled.files).toBeGreaterThan(0);
          }
        },
      );
    }
  });
}

/** Pushes every image to its own repository and waits for the indexes. */
async function indexImages(runtime: Runtime, version: string): Promise<Workflow> {
  const environment = { soci_index_version: version };
  const workflow = await Workflow.start({ runtime, rule: ourRule, generator: { environment } });
  for (const image of IMAGES) await pushLayout(workflow.registry, image, 'v1', goldenImage(image).folder);
  await workflow.settle();
  expect(workflow.generatorAnswers).toHaveLength(IMAGES.length);
  return workflow;
}

/** Verifies the indexes in the registry with our code. */
async function expectValid({ host, credentials }: TestRegistry, answer: GeneratorResponse): Promise<void> {
  const { repository, root, indexes } = indexed(answer);
  const client = openRegistry(host, { credentials: async () => ({ kind: 'password', ...credentials }) });
  try {
    for (const made of root === undefined ? indexes : [root]) {
      const verified = await verifySociIndex(client.repository(repository), made);
      expect(verified).toMatchObject({ outcome: 'valid', problems: [] });
    }
  } finally {
    client.close();
  }
}

function indexed(answer: GeneratorResponse) {
  const { repository = '' } = answer;
  if (answer.outcome !== 'indexed') throw new Error(`${repository}: ${answer.body}`);
  return { ...answer, repository };
}

function detailOf(event: object): string {
  return JSON.stringify((event as { detail: object }).detail);
}

// Many concurrent events in random order, with duplicates and malformed ones. Every image gets exactly one index.
import type { GeneratorResponse } from '@soci/functions';
import { makeImage, makeLayer, pushImage, Random } from '@soci/test-content';
import { expect, test } from 'vitest';
import { REPORTS } from '../run-report.ts';
import { FILTER } from './functions.ts';
import { RUNTIMES } from './runtimes.ts';
import { type RegistryEvent, Workflow } from './workflow.ts';

const SEED = 20_261_126;
const REPOSITORIES = 8;
const IMAGES = 40;
const CONCURRENCY = 8;

/** Numbers of events of each kind, 200 in total. */
const COUNTS = { images: IMAGES, again: 40, malformed: 10, others: 110 };

/** Changes that make an event invalid, and the field that the error must name. */
const FAULTS: readonly (readonly [field: string, spoil: (event: RegistryEvent) => object])[] = [
  ['account', (event) => ({ ...event, account: '12345' })],
  ['region', (event) => ({ ...event, region: 'Nowhere!' })],
  ['image-digest', (event) => ({ ...event, detail: { ...event.detail, 'image-digest': 'sha256:none' } })],
  ['repository-name', (event) => ({ ...event, detail: { ...event.detail, 'repository-name': '../etc' } })],
];

/** Changes that make the filter skip an event. */
const OTHERS: readonly ((event: RegistryEvent) => object)[] = [
  (event) => ({ ...event, detail: { ...event.detail, 'action-type': 'DELETE' } }),
  (event) => ({ ...event, detail: { ...event.detail, result: 'FAILURE' } }),
  (event) => ({ ...event, detail: { ...event.detail, 'image-tag': '' } }),
  (event) => ({ ...event, detail: { ...event.detail, 'repository-name': 'other/app' } }),
];

for (const runtime of RUNTIMES) {
  test.skipIf(!runtime.isAvailable)(`${runtime.name}: 200 events of ${IMAGES} images`, async () => {
    const random = new Random(SEED);
    const environment = { soci_repository_image_tag_filters: 'team/*:*' };
    const workflow = await Workflow.start({
      runtime,
      filter: { concurrency: CONCURRENCY, environment },
      generator: { concurrency: CONCURRENCY },
    });
    const { registry, lambda } = workflow;
    await pushImages(workflow, random);
    const pushes = workflow.takeEvents();
    expect(pushes).toHaveLength(IMAGES);

    const faults = random.list(COUNTS.malformed, () => random.pick(FAULTS));
    const storm = shuffle(random, [
      ...pushes,
      ...random.list(COUNTS.again, () => random.pick(pushes)),
      ...faults.map(([, spoil]) => spoil(random.pick(pushes))),
      ...random.list(COUNTS.others, () => random.pick(OTHERS)(random.pick(pushes))),
    ]);
    const started = performance.now();
    for (const event of storm) lambda.enqueue(FILTER, event);
    await workflow.settle();
    REPORTS.lambda.measured(`storm of ${storm.length} events, ${runtime.name}`, {
      seconds: (performance.now() - started) / 1000,
    });

    expect(lambda.abandoned).toEqual([]);
    const refusals = workflow.filterAnswers.filter(({ statusCode }) => statusCode === 400).map(({ body }) => body);
    const named = refusals.map((body) => FAULTS.find(([field]) => body.includes(field))?.[0]);
    expect(named.sort()).toEqual(faults.map(([field]) => field).sort());

    const answers = workflow.generatorAnswers;
    expect(answers).toHaveLength(COUNTS.images + COUNTS.again);
    for (const { detail } of pushes) {
      const { 'repository-name': repository, 'image-tag': tag, 'image-digest': digest } = detail;
      expect(registry.checkGraph(repository, `${tag}-soci`)).toEqual([]);
      const own = answers.filter((answer) => answer.repository === repository && answer.digest === digest);
      expect(madeBy(own)).toEqual([registry.manifest(repository, `${tag}-soci`)?.digest]);
    }
  });
}

/** Images with common layers, whose indexes another invocation may reuse or build at the same time. */
async function pushImages({ registry }: Workflow, random: Random): Promise<void> {
  const layers = Array.from({ length: 20 }, (_, i) => makeLayer(`layer-${i}`, random.between(2000, 60_000)));
  for (let i = 0; i < IMAGES; i += 1) {
    const repository = `team/app-${i % REPOSITORIES}`;
    registry.createRepository(repository);
    const chosen = random.list(random.between(1, 4), () => random.pick(layers));
    await pushImage(registry, repository, `v${i}`, makeImage(chosen, { annotations: { number: `${i}` } }));
  }
}

/** Returns the digests from the results for one image. All but one invocation must have found an existing index. */
function madeBy(answers: readonly GeneratorResponse[]): (string | undefined)[] {
  const made = new Set<string | undefined>();
  for (const answer of answers) {
    if (answer.outcome === 'indexed') made.add(answer.root?.digest);
    else if (answer.outcome !== 'skipped' || answer.reason !== 'already-indexed') throw new Error(answer.body);
  }
  return [...made];
}

/** @see Knuth, "The Art of Computer Programming", 3.4.2, algorithm P */
function shuffle<Item>(random: Random, items: readonly Item[]): Item[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    const j = random.between(0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j] as Item, shuffled[i] as Item];
  }
  return shuffled;
}

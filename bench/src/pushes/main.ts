/**
 * `npm run bench -- pushes [--pushes N] [--write]`: pushes and indexes images while `backfill` indexes others, in a registry that
 * accepts 10 manifests per second, as Amazon ECR does by default.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openRegistry, type Registry, RegistryError } from '@soci/registry';
import { makeImage, makeLayer } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import type { Spread } from '../compare.ts';
import { sociIndex } from '../measure.ts';
import {
  atMost,
  BENCHMARKS_PAGE,
  formatSection,
  formatSpread,
  formatTable,
  PUSHES_SECTION,
  replaceSection,
} from '../report.ts';

/** Manifests per second that the registry accepts from all clients. */
const QUOTA = 10;
/** Latency of each response in milliseconds. */
const LATENCY = 20;
/** Images that the backfill finds. Each needs three manifests, so that the default rate lasts for five minutes. */
const OLD_IMAGES = 500;
/** Time between two pushes in milliseconds. */
const PAUSE = 500;

/** Ways to run the backfill at the same time. */
const BACKFILLS: readonly (readonly [title: string, options: readonly string[] | undefined])[] = [
  ['no backfill', undefined],
  ['backfill with the default rate for Amazon ECR, 5/s', ['--rate', '5/s']],
  ['backfill without a limit', ['--rate', '1000/s', '--jobs', '16']],
];

/** What pushes took during a backfill. */
interface PushMeasurement {
  readonly title: string;
  /** Seconds from the start of a push to the tag of its index. */
  readonly seconds: Spread;
  /** Pushes that failed, because every attempt was answered with 429. */
  readonly failed: number;
  /** Responses with the status 429 to all clients. */
  readonly throttled: number;
}

/** Runs the benchmark. Returns the exit code. */
export async function benchPushes(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { pushes: { type: 'string', default: '20' }, write: { type: 'boolean', default: false } },
  });
  const pushes = Number(values.pushes);
  if (!Number.isInteger(pushes) || pushes < 1) {
    console.error('usage: npm run bench -- pushes [--pushes N] [--write]');
    return 2;
  }
  const measurements: PushMeasurement[] = [];
  for (const [title, options] of BACKFILLS) measurements.push(await measurePushes(title, pushes, options));
  const [idle, limited] = measurements as [PushMeasurement, PushMeasurement];
  const ratio = ratioTo(idle.seconds.median, limited.seconds);
  const report = formatSection({
    heading: PUSHES_SECTION,
    setup: `A registry accepts ${QUOTA} manifests per second from all clients, as Amazon ECR does by default, and answers with 429 above that. \`soci-index backfill\` indexes its ${OLD_IMAGES} images. At the same time, ${pushes} small images are pushed and indexed one after the other, with ${PAUSE / 1000} s between two. The time is that from the start of a push until its index has a tag. Each response takes ${LATENCY} ms.`,
    tables: [
      formatTable(
        ['', 'push and index, s', 'relative to no backfill', 'failed', 'responses with 429'],
        measurements.map(({ title, seconds, failed, throttled }) => [
          title,
          formatSpread(seconds),
          formatSpread(ratioTo(idle.seconds.median, seconds)),
          failed,
          throttled,
        ]),
      ),
    ],
    targets: [atMost(2, ratio, 'during a backfill with the default rate, a push takes at most 2 times as long')],
  });
  console.log(report);
  if (values.write) replaceSection(BENCHMARKS_PAGE, PUSHES_SECTION, report);
  return ratio.median <= 2 && limited.failed === 0 ? 0 : 1;
}

/** Pushes images into a new registry, during a backfill with these options if they are set. */
async function measurePushes(
  title: string,
  pushes: number,
  options: readonly string[] | undefined,
): Promise<PushMeasurement> {
  const registry = await startTestRegistry({ putRate: QUOTA, latency: LATENCY });
  const client = openRegistry(registry.host, { plainHttp: true, env: {} });
  const folder = mkdtempSync(join(tmpdir(), 'soci-bench-pushes-'));
  let backfill: ChildProcess | undefined;
  try {
    await addOldImages(registry);
    if (options !== undefined) backfill = await startBackfill(registry, folder, options);
    await pushAndIndex(client, 'warm-up');
    registry.clearRequests();
    const times: number[] = [];
    for (let number = 0; number < pushes; number++) {
      const started = performance.now();
      const isIndexed = await pushAndIndex(client, `v${number}`);
      if (isIndexed) times.push((performance.now() - started) / 1000);
      await sleep(PAUSE);
    }
    if (backfill?.exitCode === 0) throw new Error(`the backfill ended before ${pushes} pushes: push fewer images`);
    times.sort((a, b) => a - b);
    const [min = 0, max = 0] = [times[0], times.at(-1)];
    return {
      title,
      seconds: { median: times[times.length >> 1] ?? 0, min, max },
      failed: pushes - times.length,
      throttled: registry.requests.filter(({ status }) => status === 429).length,
    };
  } finally {
    if (backfill?.exitCode === null) {
      backfill.kill();
      await once(backfill, 'exit');
    }
    client.close();
    await registry.stop();
    rmSync(folder, { recursive: true });
  }
}

async function addOldImages(registry: TestRegistry): Promise<void> {
  for (let number = 0; number < OLD_IMAGES; number++) {
    const { blobs, descriptor, bytes } = makeImage([makeLayer(`old ${number}`, 2000)]);
    for (const blob of blobs) await registry.putBlob('old', blob.bytes);
    registry.putManifest('old', `v${number}`, descriptor.mediaType, bytes);
  }
}

/** Starts a backfill, and returns when its first index has a tag. */
async function startBackfill(
  registry: TestRegistry,
  folder: string,
  options: readonly string[],
): Promise<ChildProcess> {
  const command = sociIndex(
    ...['backfill', '--plain-http', '--quiet', '--min-layer-size', '0', '--state', join(folder, 'state.jsonl')],
    ...options,
    `${registry.host}/old`,
  );
  const child = spawn(command.program, command.arguments, { stdio: 'ignore' });
  while (!registry.tags('old').some((tag) => tag.endsWith('-soci'))) {
    if (child.exitCode !== null) throw new Error(`the backfill ended with exit code ${child.exitCode}`);
    await sleep(100);
  }
  return child;
}

/** Pushes a small image, and indexes it as the event of its push would. Returns false if the registry throttled all attempts. */
async function pushAndIndex(client: Registry, tag: string): Promise<boolean> {
  const { blobs, descriptor, bytes } = makeImage([makeLayer(tag, 2000)]);
  const repository = client.repository('live');
  for (const blob of blobs) await repository.push(blob.descriptor, blob.bytes);
  try {
    await repository.pushManifest(descriptor, bytes, { tag });
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'RATE_LIMITED') return false;
    throw error;
  }
  const image = `${client.host}/live:${tag}`;
  const command = sociIndex('convert', '--plain-http', '--quiet', '--min-layer-size', '0', image, `${image}-soci`);
  const child = spawn(command.program, command.arguments, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  if (code !== 0 && !errors.includes('[RATE_LIMITED]')) throw new Error(`convert of ${image} failed: ${errors}`);
  return code === 0;
}

function ratioTo(base: number, { median, min, max }: Spread): Spread {
  return { median: median / base, min: min / base, max: max / base };
}

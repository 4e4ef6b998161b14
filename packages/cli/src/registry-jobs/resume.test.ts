// A registry of 1,000 images, or of SOCI_TEST_IMAGES, is indexed by a process that is killed 20 times. The registry is like Amazon
// ECR: it is listed by the ECR API.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { seededRandom } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { build } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { fillRegistry, useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();

const KILLS = 20;
const REPOSITORIES = 100;
const IMAGES = Number(process.env.SOCI_TEST_IMAGES ?? '1000');
/** Time that the slowest machine takes for an image, in milliseconds. */
const TIME_PER_IMAGE = 500;
const ECR = { account: '123456789012', region: 'eu-west-1' };
const ECR_HOST = `${ECR.account}.dkr.ecr.${ECR.region}.amazonaws.com`;

async function startRegistry(): Promise<TestRegistry> {
  const registry = await start({ auth: 'ecr', ecr: true, ...ECR });
  const repositories = Array.from({ length: REPOSITORIES }, (_, number) => `team-${number % 7}/app-${number}`);
  await fillRegistry(registry, { repositories, images: IMAGES / REPOSITORIES });
  return registry;
}

/** Bundles the command line, so that it starts fast. */
beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('../main.ts', import.meta.url))],
    outdir: join(folder, 'program'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    conditions: ['@soci/source', 'module'],
    mainFields: ['module', 'main'],
    define: { BUNDLED_VERSION: '"0.0.0"' },
    logLevel: 'error',
  });
});

/** Starts the command line as a process of its own. */
function startBackfill(registry: TestRegistry, state: string) {
  const file = pathToFileURL(join(folder, 'program', 'main.mjs')).href;
  const program = `import { main } from ${JSON.stringify(file)}; process.exitCode = await main(process.argv.slice(1));`;
  // Many images at a time, because each waits for 18 responses. A loaded machine takes long for each.
  const words = ['backfill', '--json', '--min-layer-size', '0', '--no-reuse', '--jobs', '64', '--state', state];
  const ecr = ['--plain-http', '--rate', '10000/s', `${ECR_HOST}/*`];
  const node = ['--input-type=module', '-e', program, '--'];
  const env = {
    AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'key',
    // The registry answers under the name of the host.
    HTTP_PROXY: registry.url,
    NO_PROXY: '127.0.0.1',
  };
  return spawn(process.execPath, [...node, ...words, ...ecr], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Digests of all output tags, by repository and tag. */
function outputsOf(registry: TestRegistry): Map<string, string | undefined> {
  const outputs = new Map<string, string | undefined>();
  for (let number = 0; number < REPOSITORIES; number++) {
    const repository = `team-${number % 7}/app-${number}`;
    for (const tag of registry.tags(repository)) {
      if (tag.endsWith('-soci')) outputs.set(`${repository}:${tag}`, registry.manifest(repository, tag)?.digest);
    }
  }
  return outputs;
}

it(`${IMAGES} images, with ${KILLS} kills at random moments, have the same indexes as without, and each is tagged once`, {
  timeout: 300_000 + 2 * IMAGES * TIME_PER_IMAGE,
}, async () => {
  const [registry, undisturbed] = [await startRegistry(), await startRegistry()];
  const random = seededRandom(16);
  const tagged: string[] = [];
  let manifests = 0;
  registry.onEvent(({ detail }) => {
    manifests++;
    if (detail['image-tag']?.endsWith('-soci')) tagged.push(`${detail['repository-name']}:${detail['image-tag']}`);
  });
  const startedAt = performance.now();
  const complete = once(startBackfill(undisturbed, join(folder, 'undisturbed.jsonl')), 'exit');
  const state = join(folder, 'state.jsonl');
  // Numbers of pushed manifests. The process must not end before the last kill.
  const moments = Array.from({ length: KILLS }, () => random(0.95 * 3 * IMAGES)).sort((a, b) => a - b);
  let kills = 0;
  for (let isKilled = true; isKilled; ) {
    const moment = moments[kills];
    const child = startBackfill(registry, state);
    const exited = once(child, 'exit');
    const timer = setInterval(() => {
      if (moment !== undefined && manifests >= moment) child.kill('SIGKILL');
    }, 2);
    const [code, signal] = await exited;
    clearInterval(timer);
    isKilled = signal === 'SIGKILL';
    if (isKilled) kills++;
    else expect([0, 3], `exit code after ${kills} kills`).toContain(code);
    // 18 requests for each image.
    for (const each of [registry, undisturbed]) each.clearRequests();
  }
  expect(await complete).toEqual([0, null]);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.info(`${IMAGES} images, ${kills} kills: ${seconds} s, at the same time as a run without kills`);

  expect(kills).toBe(KILLS);
  expect(new Set(tagged).size).toBe(tagged.length);
  expect(tagged.length).toBe(IMAGES);
  const outputs = outputsOf(registry);
  expect(outputs.size).toBe(IMAGES);
  expect(outputs).toEqual(outputsOf(undisturbed));
  for (const name of outputs.keys()) {
    const [repository = '', tag = ''] = name.split(':');
    expect(registry.checkGraph(repository, tag)).toEqual([]);
  }
  const lines = (await readFile(state, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const indexed = lines
    .filter(({ outcome }) => outcome === 'indexed')
    .map(({ repository, tag }) => `${repository}:${tag}`);
  expect(new Set(indexed).size).toBe(indexed.length);
  expect(lines.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeHelmChart, makeImage, makeLayer, pushImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useForwardProxies } from '../fixtures/forward-proxy.ts';
import { type CliRunOptions, jsonLines, runCli } from '../fixtures/run-cli.ts';
import { fillRegistry, useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const startProxy = useForwardProxies();
const folder = temporaryFolder();
let files = 0;

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Report {
  readonly counts: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly tag: string; readonly reason: string }[];
  readonly throttled: number;
}

/** Runs `backfill --json` with a state file of its own. */
async function backfill(words: readonly string[], options: CliRunOptions = {}) {
  const state = words.includes('--state') ? [] : ['--state', join(folder, `state-${++files}.jsonl`)];
  const run = await runCli(['backfill', '--json', '--min-layer-size', '0', ...state, ...words], options);
  return { ...run, report: jsonLines<Report>(run)[0] as Report };
}

async function startWith(images: number, repositories = ['team/app', 'team/web', 'other/db'], options = {}) {
  const registry = await start(options);
  await fillRegistry(registry, { repositories, images });
  return registry;
}

describe('backfill', () => {
  it('indexes the images of all repositories that a glob matches, and nothing twice', async () => {
    const registry = await startWith(3);
    const first = await backfill([`${registry.host}/team/*`]);
    expect(first, first.stderr).toMatchObject({ code: 0, report: { counts: { indexed: 6, failed: 0 } } });
    for (const repository of ['team/app', 'team/web']) {
      for (const tag of ['v1', 'v2', 'v3']) expect(registry.checkGraph(repository, `${tag}-soci`)).toEqual([]);
    }
    expect(registry.manifest('other/db', 'v1-soci')).toBeUndefined();

    registry.clearRequests();
    expect(await backfill([`${registry.host}/team/*`])).toMatchObject({ code: 3 });
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  it('writes the same images as convert', async () => {
    const registry = await startWith(1, ['app']);
    await backfill([`${registry.host}/app`]);
    const root = registry.manifest('app', 'v1-soci')?.digest;
    const argv = ['convert', '-q', '--min-layer-size', '0', `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    expect((await runCli(argv)).stdout).toBe(`${root}\n`);
  });

  it('indexes again what changed: a moved tag, other settings', async () => {
    const registry = await startWith(3, ['app']);
    const glob = `${registry.host}/app`;
    await backfill([glob]);
    const moved = registry.manifest('app', 'v1');
    registry.putManifest('app', 'v2', moved?.mediaType ?? '', moved?.bytes ?? new Uint8Array());
    expect((await backfill([glob])).report.counts).toMatchObject({ indexed: 1 });
    expect((await backfill(['--span-size', '1MiB', glob])).report.counts).toMatchObject({ indexed: 3 });
  });

  it('continues after a failure, and tries it again', async () => {
    const registry = await startWith(4, ['app']);
    const broken = registry.manifest('app', 'v2');
    const layer = JSON.parse(Buffer.from(broken?.bytes ?? []).toString()).layers[1].digest as string;
    const fault = registry.inject({
      on: { path: layer },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403 },
    });
    const state = join(folder, 'failure.jsonl');
    const first = await backfill(['--state', state, `${registry.host}/app`]);
    expect(first, first.stderr).toMatchObject({ code: 0, report: { counts: { indexed: 3, failed: 1 } } });
    expect(first.report.failures).toMatchObject([{ tag: 'v2', reason: 'access-denied' }]);
    fault.remove();
    expect((await backfill(['--state', state, `${registry.host}/app`])).report.counts).toMatchObject({ indexed: 1 });
  });

  it('fails if every image fails', async () => {
    const registry = await startWith(2, ['app']);
    registry.inject({ on: { method: 'PUT' }, times: Number.POSITIVE_INFINITY, fault: { kind: 'status', status: 403 } });
    expect(await backfill([`${registry.host}/app`])).toMatchObject({ code: 1, report: { counts: { failed: 2 } } });
  });

  it('skips artifacts, and what a filter excludes', async () => {
    const registry = await startWith(3, ['app']);
    await pushImage(registry, 'app', 'chart', makeHelmChart());
    const { report } = await backfill(['--filter', '*:*, !*:v3', `${registry.host}/app`]);
    expect(report.reasons).toEqual({ indexed: 2, 'skipped not-an-image': 1 });
  });

  it('indexes at most --limit images', async () => {
    const registry = await startWith(3, ['app']);
    expect((await backfill(['--limit', '2', `${registry.host}/app`])).report.counts).toMatchObject({ indexed: 2 });
  });

  it('reports a repository without permission, and continues', async () => {
    const registry = await startWith(1);
    registry.denyAccess('team/app');
    const run = await backfill([`${registry.host}/*`]);
    expect(run).toMatchObject({ code: 0, report: { counts: { indexed: 2 }, failed: [{ repository: 'team/app' }] } });
    expect(run.stderr).toContain('team/app is skipped');
  });

  it('pushes no more manifests per second than --rate, and says how often it was throttled', async () => {
    const registry = await startWith(4, ['app'], { putRate: 100 });
    registry.inject({
      on: { method: 'PUT', path: /manifests/ },
      fault: { kind: 'status', status: 429, retryAfter: 0 },
    });
    const started = performance.now();
    const { report } = await backfill(['--rate', '20/s', `${registry.host}/app`]);
    // 12 manifests.
    expect(performance.now() - started).toBeGreaterThan(500);
    expect(report).toMatchObject({ throttled: 1, counts: { indexed: 4, failed: 0 } });
  });

  it('leaves half of the quota of Amazon ECR to others: no push of theirs is rejected', async () => {
    const registry = await startWith(6, ['app'], { putRate: 10 });
    const { descriptor, bytes, blobs } = makeImage([makeLayer('live', 300)]);
    registry.createRepository('live');
    for (const blob of blobs) await registry.putBlob('live', blob.bytes);
    const push = async (tag: number) => {
      const response = await fetch(`${registry.url}/v2/live/manifests/v${tag}`, {
        method: 'PUT',
        headers: { 'content-type': descriptor.mediaType },
        body: Buffer.from(bytes),
      });
      expect(response.status).toBe(201);
      // Four per second at most.
      await wait(250);
    };
    let isActive = true;
    const run = backfill(['--rate', '5/s', `${registry.host}/app`]).finally(() => {
      isActive = false;
    });
    let pushes = 0;
    for (; isActive; pushes += 1) await push(pushes);
    expect((await run).report).toMatchObject({ throttled: 0, counts: { indexed: 6 } });
    expect(pushes).toBeGreaterThan(1);
  });

  it('stops when it is interrupted, and continues with the same state file', async () => {
    const registry = await startWith(12, ['app'], { latency: 5 });
    const state = join(folder, 'interrupted.jsonl');
    const stop = new AbortController();
    const words = ['--state', state, '--jobs', '2', `${registry.host}/app`];
    const stopEarly = () => {
      if (registry.manifest('app', 'v5-soci')) stop.abort(new Error('stopped'));
    };
    const timer = setInterval(stopEarly, 1);
    const first = await backfill(words, { signal: stop.signal });
    clearInterval(timer);
    expect(first.code).toBe(130);
    expect(first.stderr).toMatch(/Stopped after \d+ of 12 images\. Run the same command again to continue\./);
    const second = await backfill(words);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    const lines = (await readFile(state, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const indexed = lines.filter(({ outcome }) => outcome === 'indexed').map(({ tag }) => tag);
    expect(new Set(indexed).size).toBe(indexed.length);
    for (let number = 1; number <= 12; number++) expect(registry.checkGraph('app', `v${number}-soci`)).toEqual([]);
  });

  it('fails while another run has the state file', async () => {
    const registry = await startWith(2, ['app']);
    const words = ['--state', join(folder, 'locked.jsonl'), `${registry.host}/app`];
    const codes = (await Promise.all([backfill(words), backfill(words)])).map(({ code }) => code);
    expect(codes.sort()).toEqual([0, 1]);
  });
});

describe('backfill --dry-run', () => {
  it('prints the plan with its time, and writes nothing', async () => {
    const registry = await startWith(2);
    registry.clearRequests();
    const run = await runCli(['backfill', '--dry-run', '--rate', '2/s', `${registry.host}/team/*`], { columns: 100 });
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^team\/app +2 +0 +0 +0$/m);
    expect(run.stdout).toContain('4 images to index, of unknown size.');
    expect(run.stdout).toContain('Time: about 6 s = the larger of 4 images x 3 manifests / 2 per second and ');
    expect(registry.requests.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
  });
});

describe('of Amazon ECR', () => {
  it('backfill lists by its API, prints the cost, and stops before one that is too high', async () => {
    const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    const registry = await startWith(2, ['team/app'], {
      auth: 'ecr',
      ecr: true,
      account: '123456789012',
      region: 'eu-west-1',
    });
    const proxy = await startProxy(registry.host);
    const aws = {
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'key',
    };
    for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
    const env = { ...aws, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    const words = ['--plain-http', `${host}/team/*`];
    const dry = await runCli(['backfill', '--dry-run', ...words], { env });
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(/Amazon Inspector +0\.18|Amazon Inspector +\$0\.18/);
    const costly = await runCli(['backfill', '--dry-run', '--max-cost', '0.1', ...words], { env });
    expect(costly).toMatchObject({ code: 0, stderr: expect.stringContaining('which is more than $0.10') });
    expect(await backfill(['--max-cost', '0.1', ...words], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('COST_EXCEEDED'),
    });
    expect(registry.manifest('team/app', 'v1-soci')).toBeUndefined();
    expect((await backfill(['--newer-than', '1h', ...words], { env })).report.counts).toMatchObject({ indexed: 2 });
    expect(await backfill(['--newer-than', '1h', ...words], { env })).toMatchObject({ code: 3 });
  });
});

describe('a backfill that takes more than a day', () => {
  it.each([
    ['backfill', []],
    ['backfill --dry-run', ['--dry-run']],
  ])('is announced before it starts: %s', async (_, more) => {
    const ecr = { account: '123456789012', region: 'eu-west-1' };
    const registry = await startWith(1, ['app'], { auth: 'ecr', ecr: true, ...ecr });
    const { bytes = new Uint8Array(), mediaType = '' } = registry.manifest('app', 'v1') ?? {};
    const manifest = JSON.parse(Buffer.from(bytes).toString());
    manifest.layers[0].size = 40e12;
    registry.putManifest('app', 'huge', mediaType, Buffer.from(JSON.stringify(manifest)));
    registry.clearRequests();
    const aws = {
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'key',
    };
    for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
    const env = { ...aws, HTTP_PROXY: registry.url, NO_PROXY: '127.0.0.1' };
    const host = `${ecr.account}.dkr.ecr.${ecr.region}.amazonaws.com`;
    const pulls: number[] = [];
    const onStderr = (text: string) => {
      if (!text.includes('this run takes about 3 d')) return;
      pulls.push(registry.requests.filter(({ path }) => path.startsWith('/v2/')).length);
    };
    await backfill([...more, '--plain-http', '--retry-times', '0', `${host}/app`], { env, onStderr });
    expect(pulls).toEqual([0]);
  });
});

describe('backfill rejects', () => {
  it.each([
    [['app'], '"app" is not HOST/GLOB'],
    [['a.example/x', 'b.example/x'], 'several registries: a.example, b.example'],
    [['a.example/x:v1'], 'a tag or digest is not allowed here'],
    [['a.example/[x'], 'has no closing ]'],
    [['a.example/X'], 'lower-case'],
    [['--rate', 'fast', 'a.example/x'], '"fast" is not a rate'],
    [['--newer-than', '30', 'a.example/x'], '"30" is not a duration'],
    [['--filter', 'x', 'a.example/x'], 'has no tag'],
    [['--output-tag', '{tag}', 'a.example/x'], 'would overwrite'],
    [['--max-cost', 'much', 'a.example/x'], '"much" is not an amount'],
  ])('%j', async (words, problem) => {
    const run = await runCli(['backfill', ...words]);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(problem)]);
  });

  it('a glob that matches nothing', async () => {
    const registry = await startWith(1, ['app']);
    const run = await backfill([`${registry.host}/nothing*`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`no repository matches ${registry.host}/nothing*`);
    expect(run.stderr).toContain('lists 1 repository');
  });

  it('--newer-than for a registry that reports no push times', async () => {
    const registry = await startWith(1, ['app']);
    const run = await backfill(['--newer-than', '30d', `${registry.host}/app`]);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('does not report when')]);
  });
});

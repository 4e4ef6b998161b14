import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/pack-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const fastOptions = ['--jobs', '1', '--min-layer-size', '0'];

/** The fields of `convert --json` and `create --json` that the tests use. */
interface Indexed {
  readonly outcome: string;
  readonly root?: { readonly digest: string };
  readonly indexes: readonly { readonly digest: string }[];
  readonly layers: readonly { readonly layer: string; readonly status: string; readonly origin?: string }[];
}

/** Starts a registry with one golden image, `app:v1`. */
async function startWith(layout: string, options?: Parameters<typeof start>[0]): Promise<TestRegistry> {
  const registry = await start(options);
  await registry.loadLayout('app', goldenLayoutPath(layout), 'v1');
  return registry;
}

async function convert(registry: TestRegistry, ...options: readonly string[]): Promise<Indexed> {
  const run = await runCli([
    'convert',
    '--json',
    ...fastOptions,
    ...options,
    `${registry.host}/app:v1`,
    `${registry.host}/app:v1-soci`,
  ]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  return jsonLines<Indexed>(run)[0] as Indexed;
}

describe('convert within a registry', () => {
  it.each(['single-oci', 'multi-annotated', 'attested', 'single-docker'])(
    'writes the same image as in a layout, without missing content: %s',
    async (layout) => {
      const registry = await startWith(layout);
      const { root } = await convert(registry);
      const inLayout = await runCli([
        'convert',
        '-q',
        ...fastOptions,
        `oci:${goldenLayoutPath(layout)}`,
        `oci:${join(folder, layout)}`,
      ]);
      expect(`${root?.digest}\n`).toBe(inLayout.stdout);
      expect(registry.manifest('app', 'v1-soci')?.digest).toBe(root?.digest);
      expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
      expect(await runCli(['verify', '-q', `${registry.host}/app:v1-soci`])).toMatchObject({ code: 0 });
    },
  );

  it('reads each layer once, sends only new content, and writes the tag last', async () => {
    const registry = await startWith('single-oci', { redirects: true });
    const { layers } = await convert(registry);
    const of = (method: string, path: RegExp) =>
      registry.requests.filter((request) => request.method === method && path.test(request.path));
    for (const { layer } of layers) {
      expect(registry.requests.filter(({ path, status }) => path.includes(layer) && status === 200)).toHaveLength(1);
      expect(of('HEAD', new RegExp(layer))).toEqual([]);
    }
    const sent = registry.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path);
    expect(sent.at(-1)).toBe('/v2/app/manifests/v1-soci');
    expect(
      of('PUT', /manifests/)
        .map(({ path }) => path)
        .indexOf('/v2/app/manifests/v1-soci'),
    ).toBe(2);
    const last = registry.requests.at(-1);
    expect(`${last?.method} ${last?.path} ${last?.status}`).toBe('HEAD /v2/app/manifests/v1-soci 200');
    expect(of('HEAD', /v1-soci/)).toHaveLength(1);
  });

  it('recognizes an existing result with at most four requests', async () => {
    const registry = await startWith('single-oci', { auth: { username: 'me', password: 'secret' } });
    const login = { stdin: 'secret\n' };
    const argv = ['convert', '--json', '--username', 'me', '--password-stdin', ...fastOptions];
    const images = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    const [first] = jsonLines<Indexed>(await runCli([...argv, ...images], login));
    registry.clearRequests();
    const [second] = jsonLines<Indexed>(await runCli([...argv, ...images], login));
    expect(second).toMatchObject({ outcome: 'current', root: first?.root, indexes: first?.indexes });
    expect(registry.requests.length).toBeLessThanOrEqual(4);
    expect(registry.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('indexes again if the settings differ', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    expect((await convert(registry, '--span-size', '64KiB')).outcome).toBe('indexed');
    expect((await convert(registry, '--span-size', '64KiB')).outcome).toBe('current');
    expect((await convert(registry, '--span-size', '64KiB', '--force', '--no-reuse')).layers[0]?.origin).toBe('built');
  });

  it('verifies an existing result with --verify', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    const again = await convert(registry, '--verify');
    expect(again).toMatchObject({ outcome: 'current', verified: { filesRead: expect.any(Number) } });
  });

  it('reports that there was nothing to do', async () => {
    const registry = await startWith('single-oci');
    const argv = ['convert', ...fastOptions, `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    await runCli(argv);
    expect((await runCli(argv)).stdout).toMatch(/app:v1-soci {2}sha256:[0-9a-f]{64}\nAlready indexed/);
    expect((await runCli([...argv, '-q'])).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  it('writes no tag if DST has none, and prints the digest', async () => {
    const registry = await startWith('single-oci');
    const run = await runCli(['convert', '-q', ...fastOptions, `${registry.host}/app:v1`, `${registry.host}/app`]);
    expect(registry.tags('app')).toEqual(['v1']);
    expect(registry.checkGraph('app', run.stdout.trim())).toEqual([]);
  });

  it('writes nothing if no layer can be indexed', async () => {
    const registry = await startWith('small-layers');
    const run = await runCli(['convert', `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`]);
    expect(run.code).toBe(3);
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });
});

describe('a new image on an indexed base image', () => {
  it('needs only its own layers to be read', async () => {
    const base = { 'base/large': randomBytes(3 << 20) };
    for (const version of ['1', '2']) {
      await packImage(join(folder, `image${version}`), [base, { 'app/code': randomBytes(1 << 20) }]);
    }
    const registry = await start({ redirects: true });
    await registry.loadLayout('app', join(folder, 'image1'), 'v1');
    await registry.loadLayout('app', join(folder, 'image2'), 'v2');
    const first = await convert(registry);
    registry.clearRequests();
    const run = await runCli([
      'convert',
      '--json',
      ...fastOptions,
      `${registry.host}/app:v2`,
      `${registry.host}/app:v2-soci`,
    ]);
    const [second] = jsonLines<Indexed>(run);
    expect(second?.layers.map(({ origin }) => origin)).toEqual(['reused', 'built']);
    const baseLayer = first.layers[0]?.layer ?? 'none';
    expect(registry.requests.filter(({ path }) => path.includes(baseLayer.slice('sha256:'.length)))).toEqual([]);
    expect(registry.checkGraph('app', 'v2-soci')).toEqual([]);
    expect(await runCli(['verify', '-q', `${registry.host}/app:v2-soci`])).toMatchObject({ code: 0 });
  });
});

describe('the search for reusable zTOCs', () => {
  it('uses tags similar to that of SRC if DST has none, and does not read SRC again', async () => {
    const registry = await startWith('single-oci');
    for (const tag of ['v2', ...Array.from({ length: 9 }, (_, i) => `z${i}`), `sha256-${'a'.repeat(64)}`])
      await registry.loadLayout('app', goldenLayoutPath('single-docker'), tag);
    await runCli(['create', ...fastOptions, `${registry.host}/app:v1`]);
    const requested = registry.requests.map(({ path }) => path.replace('/v2/app/manifests/', ''));
    expect(requested).toContain('v2');
    expect(requested.filter((tag) => tag === 'v1')).toHaveLength(1);
    expect(requested).not.toContain(`sha256-${'a'.repeat(64)}`);
  });
});

describe('a destination without write access', () => {
  it('is reported while layers are being read', async () => {
    const registry = await startWith('single-oci', { ecr: true });
    const images = [`${registry.host}/app:v1`, `${registry.host}/missing/app:v1`];
    // The layers never end, so only the failed write can end the command.
    const layers = registry.inject({
      on: { method: 'GET', path: /app\/blobs\/sha256:/ },
      after: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'stall', afterBytes: 10 },
    });
    const run = await runCli(['convert', ...fastOptions, ...images]);
    expect(layers.hits).toBeGreaterThan(0);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('NAME_UNKNOWN');
  });

  it('is checked with a blob that is sent once', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    const ofConfig = registry.requests.filter(({ path }) => path.includes('sha256:44136fa355b3678a'));
    expect(ofConfig.map(({ method }) => method)).toEqual(['HEAD']);
    const uploads = registry.requests.filter(({ method, bytesIn }) => method === 'PUT' && bytesIn === 2);
    expect(uploads).toHaveLength(1);
  });
});

describe('a tag', () => {
  it('that moves while its image is indexed leaves the result without a tag', async () => {
    const registry = await startWith('single-oci');
    const other = registry.manifest(
      'app',
      await registry.loadLayout('app', goldenLayoutPath('single-docker'), 'other'),
    );
    const images = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    const { code, stderr } = await runCli(['convert', ...fastOptions, ...images], {
      // The first output is a finished layer. At this time the image is resolved, and the result is not written yet.
      onStderr: () => {
        if (other) registry.putManifest('app', 'v1', other.mediaType, other.bytes);
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('[SOURCE_MOVED]');
    expect(stderr).toContain('Run the command again');
    expect(registry.tags('app')).toEqual(['other', 'v1']);
  });

  it('that is immutable is not changed, and the command reports it', async () => {
    const registry = await startWith('single-oci', { immutableTags: true });
    await convert(registry);
    const run = await runCli([
      'convert',
      '--span-size',
      '64KiB',
      ...fastOptions,
      `${registry.host}/app:v1`,
      `${registry.host}/app:v1-soci`,
    ]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('[TAG_IMMUTABLE]');
    expect(run.stderr).toContain('choose another tag');
    expect((await convert(registry, '--force')).outcome).toBe('indexed');
  });
});

describe('a tag of something that is not a SOCI-enabled image', () => {
  it.each([
    ['v1', '--overwrite-source'],
    ['other', '--force'],
  ])('is not overwritten by a result with the tag %s without %s', async (tag, option) => {
    const registry = await startWith('single-oci');
    const before = await registry.loadLayout('app', goldenLayoutPath('single-docker'), 'other');
    const digestBefore = registry.manifest('app', tag)?.digest;
    const argv = ['convert', '--json', ...fastOptions, `${registry.host}/app:v1`, `${registry.host}/app:${tag}`];
    const run = await runCli(argv);
    expect(run).toMatchObject({ code: 1 });
    expect(jsonLines(run)).toEqual([
      { error: expect.objectContaining({ code: 'TAG_TAKEN', remedy: expect.stringContaining(option) }) },
    ]);
    expect(run.stderr).toContain('[TAG_TAKEN]');
    expect(registry.manifest('app', tag)?.digest).toBe(digestBefore);
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect(registry.manifest('app', before)).toBeDefined();

    const forced = jsonLines<Indexed>(await runCli([...argv, option]))[0];
    expect(forced?.outcome).toBe('indexed');
    expect(registry.manifest('app', tag)?.digest).toBe(forced?.root?.digest);
  });
});

describe('an image that is already SOCI-enabled', () => {
  it('is converted to the same result as its original', async () => {
    const registry = await startWith('single-oci');
    const { root } = await convert(registry);
    const argv = ['convert', '--json', ...fastOptions, `${registry.host}/app:v1-soci`, `${registry.host}/app:again`];
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'indexed', root });
  });
});

describe('an interruption', () => {
  it('leaves no tag behind', async () => {
    const registry = await startWith('multi-annotated');
    const controller = new AbortController();
    const run = await runCli(['convert', ...fastOptions, `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`], {
      signal: controller.signal,
      onStderr: () => controller.abort(new Error('stopped by SIGINT')),
    });
    expect(run).toMatchObject({ code: 130, stdout: '' });
    expect(registry.tags('app')).toEqual(['v1']);
  });
});

describe('progress on a terminal', () => {
  it('has a line for each layer that is read, and for each blob that is written', async () => {
    const [from, to] = [await startWith('multi-annotated', { rate: 400_000 }), await start({ rate: 400_000 })];
    const argv = ['convert', ...fastOptions, `${from.host}/app:v1`, `${to.host}/app:v1`];
    const { stderr } = await runCli(argv, { columns: 100, env: { NO_COLOR: '1' } });
    expect(stderr).toMatch(/of 2 layers, .*\n[█▏▎▍▌▋▊▉░]+ +\d+ % {2}sha256:[0-9a-f]{12} {2}[\d.]+ KiB of 2\d\d KiB/);
    expect(stderr).toMatch(/writing 127\.0\.0\.1:\d+\/app:v1 {2}.*\n[█▏▎▍▌▋▊▉░]+ +\d+ % {2}sha256:[0-9a-f]{12} {2}/);
    // The display is removed at the end.
    expect(stderr.endsWith('\u001b[J\u001b[?25h')).toBe(true);
  });
});

describe('missing content', () => {
  it.each([
    ['app:v9', 'no tag v9 in the repository app'],
    ['app', 'no tag latest in the repository app'],
    [`app@sha256:${'0'.repeat(64)}`, `no manifest sha256:${'0'.repeat(64)} in the repository app`],
    ['missing:v1', 'no repository missing'],
  ])('is named, and its registry: %s', async (name, missing) => {
    const registry = await startWith('single-oci');
    const image = `${registry.host}/${name}`;
    for (const argv of [
      ['inspect', image],
      ['verify', image],
      ['ls', image],
      ['convert', image, 'oci:never'],
      ['create', image],
    ]) {
      const { code, stderr } = await runCli(argv);
      expect(code).toBe(1);
      expect(stderr).toContain(`${registry.host} has ${missing}: GET `);
      expect(stderr).toContain('[NOT_FOUND]');
    }
  });
});

describe('layers without compression', () => {
  const layout = `oci:${goldenLayoutPath('docker-uncompressed')}`;

  it.each(['convert', 'create', 'convert --dry-run'])('are noted if %s pushes them to a registry', async (command) => {
    const registry = await start();
    const run = await runCli([...command.split(' '), ...fastOptions, layout, `${registry.host}/app:v1`]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toMatch(
      /note: \d+ layers? pushed without compression \(.*iB\)\. .*"convert --recompress-tar"\./,
    );
  });

  it('are not noted if they are compressed, or not copied', async () => {
    const registry = await start();
    await registry.loadLayout('app', goldenLayoutPath('docker-uncompressed'), 'v1');
    const image = `${registry.host}/app:v1`;
    for (const argv of [
      ['convert', '--recompress-tar', image, `${registry.host}/copy:v1`],
      ['convert', image, `${registry.host}/app:v1-soci`],
      ['convert', image, `oci:${join(folder, 'uncompressed')}`],
    ]) {
      const run = await runCli([...argv, ...fastOptions]);
      expect(run).toMatchObject({ code: 0 });
      expect(run.stderr).not.toContain('without compression');
    }
  });
});

describe('convert to another repository, registry or layout', () => {
  it('mounts content of the same registry', async () => {
    const registry = await startWith('multi-annotated');
    const run = await runCli(['convert', ...fastOptions, `${registry.host}/app:v1`, `${registry.host}/copy/app:v1`]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(registry.checkGraph('copy/app', 'v1')).toEqual([]);
    expect(registry.requests.filter(({ query }) => query.includes('mount=')).length).toBeGreaterThan(0);
  });

  it('streams content of another registry', async () => {
    const [from, to] = [await startWith('multi-annotated'), await start({ redirects: true })];
    const run = await runCli(['convert', ...fastOptions, `${from.host}/app:v1`, `${to.host}/app:v1`]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(to.checkGraph('app', 'v1')).toEqual([]);
  });

  it('converts from layouts to registries and back', async () => {
    const registry = await start();
    const out = join(folder, 'back');
    const into = await runCli([
      'convert',
      '-q',
      ...fastOptions,
      `oci:${goldenLayoutPath('single-oci')}`,
      `${registry.host}/app:v1`,
    ]);
    expect(registry.checkGraph('app', 'v1')).toEqual([]);
    await runCli(['convert', '-q', ...fastOptions, `${registry.host}/app:v1`, `oci:${out}:v1`]);
    expect((await runCli(['inspect', '-q', `oci:${out}:v1`])).stdout).toBe(into.stdout);
    expect(
      await runCli(['convert', '-q', ...fastOptions, `${registry.host}/app:v1`, `oci-archive:${out}.tar:v1`]),
    ).toMatchObject({ code: 0 });
    expect(readdirSync(out)).toContain('index.json');
  });
});

describe('create within a registry', () => {
  it.each([true, false])('adds indexes that refer to the image, with referrers API: %s', async (referrers) => {
    const registry = await startWith('multi-annotated', { referrers });
    const argv = ['create', '--json', ...fastOptions, `${registry.host}/app:v1`];
    const [first] = jsonLines<Indexed>(await runCli(argv));
    expect(first).toMatchObject({ outcome: 'indexed', indexes: [{}, {}] });
    const confirmed = registry.requests.filter(({ method, path }) => method === 'HEAD' && /manifests/.test(path));
    expect(confirmed.map(({ path }) => path)).toEqual([`/v2/app/manifests/${first?.indexes[1]?.digest}`]);
    const [image] = jsonLines<{ platforms: { indexes: { version: number }[] }[] }>(
      await runCli(['inspect', '--json', `${registry.host}/app:v1`]),
    );
    expect(image?.platforms.map(({ indexes }) => indexes.map(({ version }) => version))).toEqual([[1], [1]]);
    expect(await runCli(['verify', '-q', `${registry.host}/app:v1`])).toMatchObject({ code: 0 });
    registry.clearRequests();
    const [second] = jsonLines<Indexed>(await runCli(argv));
    expect(second).toMatchObject({ outcome: 'current', indexes: first?.indexes });
    expect(registry.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('copies the image to DST', async () => {
    const [from, to] = [await startWith('single-oci'), await start()];
    const argv = ['create', '--json', ...fastOptions, `${from.host}/app:v1`, `${to.host}/app:v1`];
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'indexed' });
    expect(to.checkGraph('app', 'v1')).toEqual([]);
    expect(await runCli(['verify', '-q', `${to.host}/app:v1`])).toMatchObject({ code: 0 });
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'current' });
  });
});

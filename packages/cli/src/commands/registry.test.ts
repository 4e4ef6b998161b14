import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/packed-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { testRegistries } from '../fixtures/test-registries.ts';

const start = testRegistries();
const folder = temporaryFolder();
const quick = ['--jobs', '1', '--min-layer-size', '0'];

/** What convert and create print with --json, as far as it is looked at here. */
interface Indexed {
  readonly outcome: string;
  readonly root?: { readonly digest: string };
  readonly indexes: readonly { readonly digest: string }[];
  readonly layers: readonly { readonly layer: string; readonly status: string; readonly origin?: string }[];
}

/** A registry that holds one golden image. */
async function startWith(layout: string, options?: Parameters<typeof start>[0]): Promise<TestRegistry> {
  const registry = await start(options);
  await registry.loadLayout('app', goldenLayoutPath(layout), 'v1');
  return registry;
}

async function convert(registry: TestRegistry, ...options: readonly string[]): Promise<Indexed> {
  const run = await runCli([
    'convert',
    '--json',
    ...quick,
    ...options,
    `${registry.host}/app:v1`,
    `${registry.host}/app:v1-soci`,
  ]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  return jsonLines<Indexed>(run)[0] as Indexed;
}

describe('convert within a registry', () => {
  it.each(['single-oci', 'multi-annotated', 'attested', 'single-docker'])(
    'makes of %s what it makes in a layout, and nothing is missing',
    async (layout) => {
      const registry = await startWith(layout);
      const { root } = await convert(registry);
      const inLayout = await runCli([
        'convert',
        '-q',
        ...quick,
        `oci:${goldenLayoutPath(layout)}`,
        `oci:${join(folder, layout)}`,
      ]);
      expect(`${root?.digest}\n`).toBe(inLayout.stdout);
      expect(registry.manifest('app', 'v1-soci')?.digest).toBe(root?.digest);
      expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
      expect(await runCli(['verify', '-q', `${registry.host}/app:v1-soci`])).toMatchObject({ code: 0 });
    },
  );

  it('reads each layer once, sends only what is new, and names it last', async () => {
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
  });

  it('recognizes what is there, for four requests', async () => {
    const registry = await startWith('single-oci', { auth: { username: 'me', password: 'secret' } });
    const login = { stdin: 'secret\n' };
    const argv = ['convert', '--json', '--username', 'me', '--password-stdin', ...quick];
    const places = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    const [first] = jsonLines<Indexed>(await runCli([...argv, ...places], login));
    registry.clearRequests();
    const [second] = jsonLines<Indexed>(await runCli([...argv, ...places], login));
    expect(second).toMatchObject({ outcome: 'current', root: first?.root, indexes: first?.indexes });
    expect(registry.requests.length).toBeLessThanOrEqual(4);
    expect(registry.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('does not take other settings for the same', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    expect((await convert(registry, '--span-size', '64KiB')).outcome).toBe('indexed');
    expect((await convert(registry, '--span-size', '64KiB')).outcome).toBe('current');
    expect((await convert(registry, '--span-size', '64KiB', '--force', '--no-reuse')).layers[0]?.origin).toBe('built');
  });

  it('verifies what is there, where that is asked for', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    const again = await convert(registry, '--verify');
    expect(again).toMatchObject({ outcome: 'current', verified: { filesRead: expect.any(Number) } });
  });

  it('tells people that there was nothing to do', async () => {
    const registry = await startWith('single-oci');
    const argv = ['convert', ...quick, `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    await runCli(argv);
    expect((await runCli(argv)).stdout).toMatch(/app:v1-soci {2}sha256:[0-9a-f]{64}\nAlready indexed/);
    expect((await runCli([...argv, '-q'])).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  it('gives no tag where DST has none, and the digest is printed', async () => {
    const registry = await startWith('single-oci');
    const run = await runCli(['convert', '-q', ...quick, `${registry.host}/app:v1`, `${registry.host}/app`]);
    expect(registry.tags('app')).toEqual(['v1']);
    expect(registry.checkGraph('app', run.stdout.trim())).toEqual([]);
  });

  it('writes nothing where there is nothing to index', async () => {
    const registry = await startWith('small-layers');
    const run = await runCli(['convert', `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`]);
    expect(run.code).toBe(3);
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });
});

describe('a new image over an indexed base', () => {
  it('costs its own layers only', async () => {
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
      ...quick,
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

describe('zTOCs of other images', () => {
  it('are looked for with names like that of the image where DST has none, and not with the image once more', async () => {
    const registry = await startWith('single-oci');
    for (const tag of ['v2', ...Array.from({ length: 9 }, (_, i) => `z${i}`), `sha256-${'a'.repeat(64)}`])
      await registry.loadLayout('app', goldenLayoutPath('single-docker'), tag);
    await runCli(['create', ...quick, `${registry.host}/app:v1`]);
    const asked = registry.requests.map(({ path }) => path.replace('/v2/app/manifests/', ''));
    expect(asked).toContain('v2');
    expect(asked.filter((tag) => tag === 'v1')).toHaveLength(1);
    expect(asked).not.toContain(`sha256-${'a'.repeat(64)}`);
  });
});

describe('a place that cannot be written to', () => {
  it('is told of while layers are still read', async () => {
    const registry = await startWith('single-oci', { ecr: true });
    const places = [`${registry.host}/app:v1`, `${registry.host}/missing/app:v1`];
    // A layer that never comes to its end: only the refusal ends this.
    const layers = registry.inject({
      on: { method: 'GET', path: /app\/blobs\/sha256:/ },
      after: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'stall', afterBytes: 10 },
    });
    const run = await runCli(['convert', ...quick, ...places]);
    expect(layers.hits).toBeGreaterThan(0);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('NAME_UNKNOWN');
  });

  it('is tried by a piece that is sent once', async () => {
    const registry = await startWith('single-oci');
    await convert(registry);
    const ofConfig = registry.requests.filter(({ path }) => path.includes('sha256:44136fa355b3678a'));
    expect(ofConfig.map(({ method }) => method)).toEqual(['HEAD']);
    const uploads = registry.requests.filter(({ method, bytesIn }) => method === 'PUT' && bytesIn === 2);
    expect(uploads).toHaveLength(1);
  });
});

describe('a tag', () => {
  it('that moves while its image is indexed leaves the converted one without a name', async () => {
    const registry = await startWith('single-oci');
    const other = registry.manifest(
      'app',
      await registry.loadLayout('app', goldenLayoutPath('single-docker'), 'other'),
    );
    const places = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
    const { code, stderr } = await runCli(['convert', ...quick, ...places], {
      // The first thing that is said is that a layer is done: the image is resolved then, and not yet written.
      onStderr: () => {
        if (other) registry.putManifest('app', 'v1', other.mediaType, other.bytes);
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('[SOURCE_MOVED]');
    expect(stderr).toContain('Run the command again');
    expect(registry.tags('app')).toEqual(['other', 'v1']);
  });

  it('that may not be moved is left alone, and that is said', async () => {
    const registry = await startWith('single-oci', { immutableTags: true });
    await convert(registry);
    const run = await runCli([
      'convert',
      '--span-size',
      '64KiB',
      ...quick,
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
  it.each(['v1', 'other'])('is not overwritten without --force: %s', async (tag) => {
    const registry = await startWith('single-oci');
    const before = await registry.loadLayout('app', goldenLayoutPath('single-docker'), 'other');
    const named = registry.manifest('app', tag)?.digest;
    const argv = ['convert', '--json', ...quick, `${registry.host}/app:v1`, `${registry.host}/app:${tag}`];
    const run = await runCli(argv);
    expect(run).toMatchObject({ code: 1 });
    expect(jsonLines(run)).toEqual([
      { error: expect.objectContaining({ code: 'TAG_TAKEN', remedy: expect.stringContaining('--force') }) },
    ]);
    expect(run.stderr).toContain('[TAG_TAKEN]');
    expect(registry.manifest('app', tag)?.digest).toBe(named);
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect(registry.manifest('app', before)).toBeDefined();

    const forced = jsonLines<Indexed>(await runCli([...argv, '--force']))[0];
    expect(forced?.outcome).toBe('indexed');
    expect(registry.manifest('app', tag)?.digest).toBe(forced?.root?.digest);
  });
});

describe('an image that is SOCI-enabled already', () => {
  it('gives what its original gives', async () => {
    const registry = await startWith('single-oci');
    const { root } = await convert(registry);
    const argv = ['convert', '--json', ...quick, `${registry.host}/app:v1-soci`, `${registry.host}/app:again`];
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'indexed', root });
  });
});

describe('an interruption', () => {
  it('leaves no tag behind', async () => {
    const registry = await startWith('multi-annotated');
    const controller = new AbortController();
    const run = await runCli(['convert', ...quick, `${registry.host}/app:v1`, `${registry.host}/app:v1-soci`], {
      signal: controller.signal,
      onStderr: () => controller.abort(new Error('stopped by SIGINT')),
    });
    expect(run).toMatchObject({ code: 130, stdout: '' });
    expect(registry.tags('app')).toEqual(['v1']);
  });
});

describe('progress on a terminal', () => {
  it('has a line for each layer that is read, and for each piece that is written', async () => {
    const [from, to] = [await startWith('multi-annotated', { rate: 400_000 }), await start({ rate: 400_000 })];
    const argv = ['convert', ...quick, `${from.host}/app:v1`, `${to.host}/app:v1`];
    const { stderr } = await runCli(argv, { columns: 100, env: { NO_COLOR: '1' } });
    expect(stderr).toMatch(/of 2 layers, .*\n[█▏▎▍▌▋▊▉░]+ +\d+ % {2}sha256:[0-9a-f]{12} {2}[\d.]+ KiB of 2\d\d KiB/);
    expect(stderr).toMatch(/writing 127\.0\.0\.1:\d+\/app:v1 {2}.*\n[█▏▎▍▌▋▊▉░]+ +\d+ % {2}sha256:[0-9a-f]{12} {2}/);
    // What is drawn over a terminal is taken away in the end.
    expect(stderr.endsWith('\u001b[J\u001b[?25h')).toBe(true);
  });
});

describe('convert from one place to another', () => {
  it('mounts what the same registry has', async () => {
    const registry = await startWith('multi-annotated');
    const run = await runCli(['convert', ...quick, `${registry.host}/app:v1`, `${registry.host}/copy/app:v1`]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(registry.checkGraph('copy/app', 'v1')).toEqual([]);
    expect(registry.requests.filter(({ query }) => query.includes('mount=')).length).toBeGreaterThan(0);
  });

  it('streams what another registry has', async () => {
    const [from, to] = [await startWith('multi-annotated'), await start({ redirects: true })];
    const run = await runCli(['convert', ...quick, `${from.host}/app:v1`, `${to.host}/app:v1`]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(to.checkGraph('app', 'v1')).toEqual([]);
  });

  it('goes from layouts into registries and back', async () => {
    const registry = await start();
    const out = join(folder, 'back');
    const into = await runCli([
      'convert',
      '-q',
      ...quick,
      `oci:${goldenLayoutPath('single-oci')}`,
      `${registry.host}/app:v1`,
    ]);
    expect(registry.checkGraph('app', 'v1')).toEqual([]);
    await runCli(['convert', '-q', ...quick, `${registry.host}/app:v1`, `oci:${out}:v1`]);
    expect((await runCli(['inspect', '-q', `oci:${out}:v1`])).stdout).toBe(into.stdout);
    expect(
      await runCli(['convert', '-q', ...quick, `${registry.host}/app:v1`, `oci-archive:${out}.tar:v1`]),
    ).toMatchObject({ code: 0 });
    expect(readdirSync(out)).toContain('index.json');
  });
});

describe('create within a registry', () => {
  it.each([true, false])(
    'adds indexes that refer to the image, where the registry lists referrers: %s',
    async (referrers) => {
      const registry = await startWith('multi-annotated', { referrers });
      const argv = ['create', '--json', ...quick, `${registry.host}/app:v1`];
      const [first] = jsonLines<Indexed>(await runCli(argv));
      expect(first).toMatchObject({ outcome: 'indexed', indexes: [{}, {}] });
      const [image] = jsonLines<{ platforms: { indexes: { version: number }[] }[] }>(
        await runCli(['inspect', '--json', `${registry.host}/app:v1`]),
      );
      expect(image?.platforms.map(({ indexes }) => indexes.map(({ version }) => version))).toEqual([[1], [1]]);
      expect(await runCli(['verify', '-q', `${registry.host}/app:v1`])).toMatchObject({ code: 0 });
      registry.clearRequests();
      const [second] = jsonLines<Indexed>(await runCli(argv));
      expect(second).toMatchObject({ outcome: 'current', indexes: first?.indexes });
      expect(registry.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    },
  );

  it('copies the image where DST is given', async () => {
    const [from, to] = [await startWith('single-oci'), await start()];
    const argv = ['create', '--json', ...quick, `${from.host}/app:v1`, `${to.host}/app:v1`];
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'indexed' });
    expect(to.checkGraph('app', 'v1')).toEqual([]);
    expect(await runCli(['verify', '-q', `${to.host}/app:v1`])).toMatchObject({ code: 0 });
    expect(jsonLines<Indexed>(await runCli(argv))[0]).toMatchObject({ outcome: 'current' });
  });
});

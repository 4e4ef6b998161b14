import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseProfile } from '@soci/index';
import { createLayout } from '@soci/oci/layout';
import {
  AMD64,
  ARM64,
  type CompressedLayer,
  concat,
  goldenLayoutPath,
  HOSTILE_TEXTS,
  makeZstdTextLayer,
  put,
  putLayeredImage,
  Random,
  TAR_END,
  tarEntry,
  tarOf,
  unprintableIn,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AGENT, LazyClient } from '../fixtures/lazy-client.ts';
import { type CliRun, jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const root = temporaryFolder();
const start = useTestRegistries();
const random = new Random(15);
let testNumber = 0;

/** Content of a file that is larger than a page. */
const content = (size: number) => Buffer.from(random.bytes(size));

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const gzipLayer = (tar: Uint8Array): CompressedLayer => ({ tar, bytes: gzipSync(tar), mediaType: LAYER });

const BIG = content(200_000);

/** Layers of the image `app`. */
const LAYERS = [
  gzipLayer(
    concat(
      tarEntry({ name: 'usr/', type: '5' }),
      tarEntry({ name: './usr/app' }, content(30_000)),
      tarEntry({ name: 'usr/neighbour' }, content(30_000)),
      tarEntry({ name: 'usr/removed' }, content(30_000)),
      tarEntry({ name: 'usr/replaced' }, content(30_000)),
      tarEntry({ name: 'usr/hidden/file' }, content(30_000)),
      tarEntry({ name: 'usr/original' }, content(30_000)),
      tarEntry({ name: 'usr/link', type: '1', linkName: 'usr/original' }),
      tarEntry({ name: Buffer.from('usr/caf\xe9', 'latin1') }, content(30_000)),
      tarEntry({ name: 'usr/empty' }),
      TAR_END,
    ),
  ),
  gzipLayer(
    tarOf({
      'usr/.wh.removed': '',
      'usr/hidden/.wh..wh..opq': '',
      'usr/.wh.original': '',
      'usr/replaced': content(50_000),
      'opt/big': BIG,
    }),
  ),
];

async function writeLayout(name: string, layers: readonly CompressedLayer[]): Promise<string> {
  const path = join(root, name);
  const layout = await createLayout(path);
  await layout.tag(await putLayeredImage(layout, layers), 'v1');
  await layout.commit();
  return `oci:${path}:v1`;
}

let app = '';
beforeAll(async () => {
  app = await writeLayout('app', LAYERS);
});

/** Records while `use` runs. Then the user presses Ctrl-C, unless the command ends by itself. */
async function record(
  argv: readonly string[],
  use: (name: string) => Promise<void>,
  { endsItself = false, columns }: { readonly endsItself?: boolean; readonly columns?: number } = {},
): Promise<CliRun> {
  const interrupt = new AbortController();
  let used: Promise<void> | undefined;
  const onText = (text: string) => {
    const [, name] = /([\w.:[\]]+\/recording:[0-9a-f]{8})/.exec(text) ?? [];
    if (name === undefined || used !== undefined) return;
    used = use(name).finally(() => {
      if (!endsItself) interrupt.abort(new Error('stopped by SIGINT'));
    });
  };
  const options = {
    signal: interrupt.signal,
    onStdout: onText,
    onStderr: onText,
    ...(columns !== undefined && { columns }),
  };
  const run = await runCli(['profile', 'record', ...argv], options);
  await used;
  return run;
}

function profileOf({ code, stdout, stderr }: CliRun) {
  expect(code, stderr).toBe(0);
  return parseProfile(Buffer.from(stdout));
}

const pathsOf = (run: CliRun) => profileOf(run).files.map(({ path }) => path);

describe('the profile', () => {
  it('names the files that were read, and not those next to them', async () => {
    const run = await record([app], async (name) => {
      await (await LazyClient.pull(name)).read('./usr/app');
    });
    expect(profileOf(run)).toEqual({ origin: 'recorded', files: [{ path: '/usr/app' }] });
    expect(run.stderr).toContain('recorded 1 file, 29.3 KiB');
  });

  it('has the pages of a file that were read', async () => {
    const run = await record([app], async (name) => {
      const client = await LazyClient.pull(name);
      expect(await client.read('opt/big', 21_000, 100)).toEqual(BIG.subarray(21_000, 21_100));
      expect(await client.read('opt/big', 100_000, 10_000)).toEqual(BIG.subarray(100_000, 110_000));
    });
    const ranges = [
      { offset: 20_480, length: 4096 },
      { offset: 98_304, length: 12_288 },
    ];
    expect(profileOf(run).files).toEqual([{ path: '/opt/big', ranges }]);
  });

  it('leaves out files that an upper layer removes, hides or replaces', async () => {
    const run = await record([app], async (name) => {
      await (await LazyClient.pull(name)).fetchSpans(1);
    });
    expect(pathsOf(run)).toEqual(['/usr/app', '/usr/link', '/usr/neighbour']);
    expect(run.stderr).toContain('warning: left out 1 file whose names are not UTF-8 or too long');
  });

  it('is printed without characters that a terminal interprets', async () => {
    const names = HOSTILE_TEXTS.filter(
      (text) => !text.includes('\0') && Buffer.from(text).length < 90 && text !== '',
    ).map((text) => `dir/${text.replaceAll('/', '')}`);
    const files = names.map((name) => tarEntry({ name: Buffer.from(name) }, content(5000)));
    const image = await writeLayout('hostile', [gzipLayer(concat(...files, TAR_END))]);
    const run = await record([image], async (name) => {
      await (await LazyClient.pull(name)).fetchSpans(1);
    });
    expect(unprintableIn(run.stdout)).toEqual([]);
    expect(pathsOf(run).sort()).toEqual(names.map((name) => `/${Buffer.from(name)}`).sort());
  });

  it('is written to a file, and summarized as JSON', async () => {
    const file = join(root, 'profile.json');
    const run = await record(['--json', '-o', file, app], async (name) => {
      await (await LazyClient.pull(name)).read('usr/replaced');
    });
    expect(jsonLines(run)).toEqual([
      { outcome: 'serving', image: expect.stringMatching(/^127\.0\.0\.1:\d+\/recording:[0-9a-f]{8}$/) },
      expect.objectContaining({ outcome: 'recorded', files: 1, bytes: 50_000, output: file }),
    ]);
    expect(parseProfile(readFileSync(file)).files).toEqual([{ path: '/usr/replaced' }]);
    const inline = await record(['--json', app], async (name) => {
      await (await LazyClient.pull(name)).read('usr/replaced');
    });
    expect(jsonLines(inline)).toMatchObject([
      { outcome: 'serving' },
      { profile: { schemaVersion: 1, files: [{ path: '/usr/replaced' }] } },
    ]);
  });
});

it('prints only the name of the image with --quiet and a file', async () => {
  let served = '';
  const run = await record(['--quiet', '-o', join(root, 'quiet.json'), app], async (name) => {
    served = name;
    await (await LazyClient.pull(name)).read('./usr/app');
  });
  expect(run).toMatchObject({ code: 0, stdout: `${served}\n`, stderr: '' });
});

it('shows on a terminal what was read so far', async () => {
  const read = async (name: string) => {
    await (await LazyClient.pull(name)).read('./usr/app');
    await new Promise((resolve) => setTimeout(resolve, 1200));
  };
  const run = await record(['-o', join(root, 'shown.json'), app], read, { columns: 100 });
  expect(run.stderr).toContain('8 reads, 32 KiB, 1 file');
});

it('prints each request with --debug', async () => {
  const run = await record(['--debug', app], async (name) => {
    await (await LazyClient.pull(name)).read('./usr/app');
  });
  expect(run.stderr).toMatch(
    /^soci-snapshotter\/0\.16\.1: application\/vnd\.oci\.image\.layer\.v1\.tar sha256:\w+ bytes 0-4095$/m,
  );
});

describe('the recorded image', () => {
  it('can be in a registry, and already be SOCI-enabled', async () => {
    const registry = await start();
    await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
    const image = `${registry.host}/app:v1`;
    expect(await runCli(['convert', '--min-layer-size', '0', '--jobs', '1', image, `${image}-soci`])).toMatchObject({
      code: 0,
    });
    const paths = [];
    for (const each of [image, `${image}-soci`]) {
      const run = await record([each], async (name) => {
        await (await LazyClient.pull(name)).fetchSpans(1);
      });
      paths.push(pathsOf(run));
    }
    expect(paths[0]).toEqual(paths[1]);
    expect(paths[0]).not.toEqual([]);
  });

  it('can have zstd layers, and a note says how to index them', async () => {
    const run = await record([await writeLayout('zstd', [makeZstdTextLayer('app.js')])], async (name) => {
      await (await LazyClient.pull(name)).read('app.js');
    });
    expect(pathsOf(run)).toEqual(['/app.js']);
    expect(run.stderr).toMatch(/1 layer of the image has zstd.*--recompress/);
  });

  it('can have several platforms; the profile has the files of the one that was started', async () => {
    const path = join(root, 'platforms');
    const layout = await createLayout(path);
    const shared = gzipLayer(tarOf({ shared: content(10_000) }));
    const manifests = [];
    for (const platform of [AMD64, ARM64]) {
      const own = gzipLayer(tarOf({ [platform.architecture]: content(10_000), '.wh.shared': '' }));
      const layers = platform === AMD64 ? [shared] : [shared, own];
      manifests.push({ ...(await putLayeredImage(layout, layers, { platform })), platform });
    }
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
    await layout.tag(await put(layout, index.mediaType, index), 'v1');
    await layout.commit();
    const started = (architecture: string, ...argv: string[]) =>
      record([...argv, `oci:${path}:v1`], async (name) => {
        const client = await LazyClient.pull(name, architecture);
        await client.fetchSpans(1);
        if (architecture === 'arm64') await client.read('arm64');
      });
    expect(pathsOf(await started('amd64'))).toEqual(['/shared']);
    expect(pathsOf(await started('arm64'))).toEqual(['/arm64']);
    expect(pathsOf(await started('arm64', '--platform', 'linux/arm64'))).toEqual(['/arm64']);
    const unknown = await runCli(['profile', 'record', '--platform', 'linux/s390x', `oci:${path}:v1`]);
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.stderr).toContain('no manifest for linux/s390x: it has linux/amd64, linux/arm64');
  });

  it('is different for each recording, so that no runtime has its layers already', async () => {
    const names: string[] = [];
    const digests: (string | null)[] = [];
    for (let i = 0; i < 2; i++) {
      await record([app], async (name) => {
        names.push(name);
        const [host, tagged = ''] = name.split('/');
        const url = `http://${host}/v2/${tagged.replace(':', '/manifests/')}`;
        digests.push((await fetch(url)).headers.get('docker-content-digest'));
      });
    }
    expect(new Set(names).size).toBe(2);
    expect(new Set(digests).size).toBe(2);
  });
});

describe('a recording ends', () => {
  it('when nothing was read for some time after the first read', async () => {
    const run = await record(
      ['--until-idle', '1', app],
      async (name) => {
        const client = await LazyClient.pull(name);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await client.read('./usr/app');
      },
      { endsItself: true },
    );
    expect(pathsOf(run)).toEqual(['/usr/app']);
  });

  it('when no container reads for 10 minutes after the last request', async () => {
    const now = performance.now.bind(performance);
    let passed = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
    try {
      const pull = async (name: string) => {
        passed = 599_000;
        await LazyClient.pull(name);
        passed += 599_000;
        await new Promise((resolve) => setTimeout(resolve, 700));
        passed += 10_000;
      };
      const run = await record(['--until-idle', '1', app], pull, { endsItself: true });
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toContain('the image was pulled, but no container read a file of it');
    } finally {
      clock.mockRestore();
    }
  });

  it('and leaves no temporary files', async () => {
    const temporary = join(root, `tmp-${testNumber++}`);
    mkdirSync(temporary);
    vi.stubEnv('TMPDIR', temporary);
    try {
      await record([app], async (name) => {
        expect(readdirSync(temporary)).toHaveLength(1);
        await (await LazyClient.pull(name)).read('./usr/app');
      });
      expect(readdirSync(temporary)).toEqual([]);
      expect(await runCli(['profile', 'record', app], { signal: AbortSignal.abort(new Error('stop')) })).toMatchObject({
        code: 130,
      });
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('on a full disk, the command fails and says how much space it needs', () => {
  const full = join(root, 'full');
  const mounted = spawnSync('sh', ['-c', 'mkdir "$1" && mount -t tmpfs -o size=64k soci-index-test "$1"', 'sh', full]);
  afterAll(() => void (mounted.status === 0 && spawnSync('umount', [full])));

  it.skipIf(mounted.status !== 0)('and leaves no temporary files (needs the permission to mount)', async () => {
    vi.stubEnv('TMPDIR', full);
    try {
      const { code, stderr } = await runCli(['profile', 'record', app]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/ENOSPC.*\n +The unpacked layers .* three times the size of the image\. Set TMPDIR/);
      expect(readdirSync(full)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('without reads, the command fails and says why', () => {
  it.each<[string, RegExp, (name: string) => Promise<void>]>([
    ['no client pulled the image', /no client pulled the image/, async () => {}],
    [
      'no container was started',
      /the image was pulled, but no container read a file of it/,
      async (name) => {
        await LazyClient.pull(name);
      },
    ],
    [
      'another snapshotter pulled the layers whole',
      /the runtime pulled 2 layers whole.*\n.*--snapshotter soci/,
      async (name) => {
        await (await LazyClient.pull(name)).pullLayers();
      },
    ],
    [
      'soci-snapshotter pulled the layers whole',
      /the runtime pulled 2 layers whole.*\n.*pull_modes\.soci_v2/,
      async (name) => {
        await (await LazyClient.pull(name)).pullLayers(AGENT);
      },
    ],
    [
      'only the start of an archive was read',
      /belongs to no file/,
      async (name) => {
        await (await LazyClient.pull(name)).fetchSpans(1, 1);
      },
    ],
  ])('%s', async (_, message, use) => {
    const file = join(root, 'none.json');
    const run = await record(['-o', file, app], use);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toContain('[NOTHING_RECORDED]');
    expect(readdirSync(root)).not.toContain('none.json');
    const json = await record(['--json', app], use);
    expect(jsonLines(json)).toEqual([
      expect.objectContaining({ outcome: 'serving' }),
      { error: expect.objectContaining({ code: 'NOTHING_RECORDED', remedy: expect.stringMatching(/\w/) }) },
    ]);
  });
});

describe('a warning says', () => {
  it('that two snapshotters read the image', async () => {
    const run = await record([app], async (name) => {
      const clients = await Promise.all([LazyClient.pull(name), LazyClient.pull(name)]);
      await Promise.all([
        clients[0]?.read('./usr/app'),
        clients[1]?.read('./usr/app').then(() => clients[1]?.read('opt/big')),
      ]);
    });
    expect(pathsOf(run)).toEqual(['/opt/big', '/usr/app']);
    expect(run.stderr).toContain('warning: more than one snapshotter read the image');
  });

  it('that a layer was pulled whole', async () => {
    const run = await record([app], async (name) => {
      const client = await LazyClient.pull(name);
      await client.read('./usr/app');
      await client.pullLayers();
    });
    expect(pathsOf(run)).toEqual(['/usr/app']);
    expect(run.stderr).toMatch(/warning: 2 layers were pulled whole/);
  });

  it('that other machines can connect', async () => {
    const run = await record(['--listen', '0.0.0.0:0', app], async () => {});
    expect(run.stderr).toContain('warning: other machines can pull the image');
  });
});

describe('before the image is read, the command checks', () => {
  it('that the profile can be written', async () => {
    const run = await runCli(['profile', 'record', '-o', join(root, 'missing', 'profile.json'), 'localhost:1/app']);
    expect(run.stderr).toContain('[FILE_UNWRITABLE]');
    expect(run.code).toBe(1);
  });

  it.each(['nonsense', '127.0.0.1:99999', '[127.0.0.1]:5', '', 'localhost:5', '1.2.3:4'])(
    'the address: %j',
    async (address) => {
      const run = await runCli(['profile', 'record', `--listen=${address}`, app]);
      expect(run).toMatchObject({ code: 2 });
    },
  );
});

it('fails if the port is in use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const run = await runCli(['profile', 'record', '--listen', `127.0.0.1:${port}`, app]);
  other.close();
  expect(run).toMatchObject({ code: 1 });
  expect(run.stderr).toMatch(
    /cannot listen on 127\.0\.0\.1:\d+: the port is in use \[ADDRESS_UNAVAILABLE\]\n[\s\S]*--listen/,
  );
});

it('reports a damaged layer', async () => {
  const damaged = gzipLayer(tarOf({ file: content(10_000) }));
  const run = await runCli([
    'profile',
    'record',
    await writeLayout('damaged', [{ ...damaged, bytes: damaged.bytes.subarray(0, 5000) }]),
  ]);
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/cannot unpack layer sha256:\w+: unexpected end of file \[SOURCE_INVALID\]/);
});

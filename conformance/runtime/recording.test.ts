// Profiles that the command line records from a start of Python with the real snapshotter.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseProfile } from '@soci/index';
import { Random } from '@soci/test-content';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { sumBytes } from './evidence.ts';
import { encode } from './images/encodings.ts';
import { type Entry, packArchive } from './images/entries.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { SOCI_INDEX, useSession } from './session.ts';

const REPOSITORY = 'recorded';
/** Modules of the standard library that are large, or that need programs outside of the image. */
const OMITTED = /^(?:test|tests|idlelib|lib2to3|config-.*|site-packages|dist-packages|__pycache__)$/;

/** Python of this machine. */
interface Python {
  readonly interpreter: string;
  /** Folder of the standard library. */
  readonly library: string;
  /** Shared libraries and the loader. */
  readonly shared: readonly string[];
}

async function findPython(): Promise<Python> {
  const script = 'import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.__file__))';
  const [interpreter = '', library = ''] = (await runWell('python3', ['-I', '-c', script])).toString().split('\n');
  const listed = (await runWell('ldd', [interpreter])).toString();
  return { interpreter, library, shared: [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path) };
}

const entryOf = (path: string): Entry => ({
  path: path.slice(1),
  content: readFileSync(realpathSync(path)),
  mode: 0o755,
});

function* listFiles(folder: string): Generator<string> {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory() && !OMITTED.test(item.name)) yield* listFiles(path);
    else if (item.isFile()) yield path;
  }
}

describe.skipIf(inject('programs') === undefined)('a profile', () => {
  const session = useSession();
  let python: Python;
  let command: readonly string[];

  /** Pushes an image with Python in one layer, and files that nothing reads in the same and another one. */
  beforeAll(async () => {
    if (inject('programs') === undefined) return;
    python = await findPython();
    command = [python.interpreter, '-I', '-c', 'import json; print(json.dumps([1, 2]))'];
    const random = new Random(15);
    const noise = (folder: string): Entry[] =>
      Array.from({ length: 30 }, (_, i) => ({ path: `${folder}/unread${i}`, content: random.bytes(400_000) }));
    const { reference, folder, registry } = session();
    const archives = [
      packArchive('pax', [...python.shared.map(entryOf), ...noise('opt')]),
      packArchive('pax', [
        entryOf(python.interpreter),
        ...[...listFiles(python.library)].map(entryOf),
        ...noise('srv'),
      ]),
    ];
    const layers = [];
    for (const archive of archives) layers.push({ archive, blob: await encode('go', archive, reference) });
    const layout = join(folder, REPOSITORY);
    await writeImage(layout, { platforms: { 'linux/amd64': layers } });
    await pushLayout(layout, registry, REPOSITORY, 'latest');
  });

  /** Runs `profile record`, and `use` while it serves the image. */
  async function record(options: readonly string[], use: (image: string, stop: () => void) => Promise<void>) {
    const source = `${session().registry}/${REPOSITORY}:latest`;
    const recorder = spawn(process.execPath, [SOCI_INDEX, 'profile', 'record', '--json', ...options, source]);
    const closed = once(recorder, 'close');
    let log = '';
    recorder.stderr.on('data', (chunk) => (log += chunk));
    const lines: unknown[] = [];
    try {
      for await (const line of createInterface({ input: recorder.stdout })) {
        const result = JSON.parse(line) as { readonly outcome?: string; readonly image?: string };
        if (result.outcome === 'serving') await use(result.image ?? '', () => recorder.kill('SIGTERM'));
        else lines.push(result);
      }
    } finally {
      recorder.kill('SIGKILL');
    }
    const [code] = (await closed) as [number];
    return { code, log, result: lines[0] };
  }

  async function start(image: string) {
    const { runtime } = session();
    await runtime.wipe({ logLevel: 'info' });
    await runtime.pull({ image, snapshotter: 'soci' });
    const { code, stdout } = await runtime.run({ image, snapshotter: 'soci' }, command);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[1, 2]\n' });
  }

  test('of a start names what it reads, and an index that follows it is fetched to a smaller part', async () => {
    const { folder, registry, proxy } = session();
    const file = join(folder, 'profile.json');
    // The snapshotter stops before the recording ends.
    const { code, log, result } = await record(['-o', file, '--until-idle', '3'], async (image) => {
      await start(image);
      await session().runtime.wipe();
    });
    expect(code, log).toBe(0);
    expect(result).toMatchObject({ outcome: 'recorded', reads: { repeated: 0, background: 0 } });
    const paths = parseProfile(readFileSync(file)).files.map(({ path }) => path);
    const modules = ['encodings/__init__.py', 'json/__init__.py', 'json/decoder.py'];
    for (const path of [python.interpreter, ...python.shared, ...modules.map((name) => join(python.library, name))])
      expect(paths).toContain(path);
    expect(paths.filter((path) => path.includes('/unread'))).toEqual([]);
    for (const name of ['asyncio/events.py', 'tkinter/__init__.py'])
      expect(paths).not.toContain(join(python.library, name));

    const fetched: number[] = [];
    for (const [tag, options] of [
      ['default', []],
      ['profiled', ['--profile', file]],
    ] as const) {
      const images = [`${registry}/${REPOSITORY}:latest`, `${registry}/${REPOSITORY}:${tag}`];
      await runWell(process.execPath, [SOCI_INDEX, 'convert', '-q', '--min-layer-size', '0', ...options, ...images]);
      proxy.clear();
      await start(`${proxy.host}/${REPOSITORY}:${tag}`);
      fetched.push(sumBytes(proxy.requests));
    }
    const [byDefault = 0, profiled = 0] = fetched;
    expect(profiled).toBeLessThan(byDefault);
    REPORTS.runtime.measured('start of Python', {
      'MB by default': byDefault / 1e6,
      'MB with its profile': profiled / 1e6,
    });
  });

  test('is not written if another snapshotter pulls the layers whole', async () => {
    const { code, result } = await record([], async (image, stop) => {
      const { runtime } = session();
      await runtime.wipe();
      await runtime.pull({ image, snapshotter: 'overlayfs' });
      stop();
    });
    expect(code).toBe(1);
    expect(result).toMatchObject({
      error: { code: 'NOTHING_RECORDED', message: expect.stringContaining('pulled 2 layers whole') },
    });
  });
});

import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { goldenLayerPath, goldenLayoutPath, hasProgram } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../fixtures/run-cli.ts';
import { createDirectory } from './write-file.ts';

const folder = temporaryFolder();
const LAYER = goldenLayerPath('many-files.tar.gz');
const ZTOC = join(folder, 'many-files.tar.gz.ztoc');
const APP = `oci:${goldenLayoutPath('single-oci')}`;
let file: string;
let content: Uint8Array;
let archive: Uint8Array;

const cat = (output: string) => runCli(['ztoc', 'cat', '-o', output, ZTOC, LAYER, file]);
const convert = (output: string) => runCli(['convert', '--min-layer-size', '0', APP, `oci-archive:${output}`]);

beforeAll(async () => {
  await runCli(['ztoc', 'create', '-o', folder, LAYER]);
  const listed = (await runCli(['ztoc', 'ls', '--json', ZTOC])).stdout.trim().split('\n');
  file = listed.map((line) => JSON.parse(line)).find(({ type, size }) => type === 'reg' && size > 0).name;
  content = (await runCli(['ztoc', 'cat', ZTOC, LAYER, file])).bytes;
  await convert(join(folder, 'expected.tar'));
  archive = readFileSync(join(folder, 'expected.tar'));
});

describe.each([
  ['cat -o', cat, () => content],
  ['an archive destination', convert, () => archive],
])('%s', (name, write, expected) => {
  const path = (suffix: string) => join(folder, `${name.slice(0, 3)}-${suffix}`);

  it('replaces a file, also through a symbolic link', async () => {
    writeFileSync(path('target'), 'old');
    symlinkSync(path('target'), path('link'));
    expect(await write(path('link'))).toMatchObject({ code: 0 });
    expect(readFileSync(path('target')).equals(expected())).toBe(true);
    expect(readlinkSync(path('link'))).toBe(path('target'));
  });

  it.skipIf(!hasProgram('mkfifo'))('writes into a named pipe (needs mkfifo)', async () => {
    execFileSync('mkfifo', [path('pipe')]);
    const reader = spawn('cat', [path('pipe')]);
    const [run, received] = await Promise.all([write(path('pipe')), buffer(reader.stdout)]);
    expect(run.code).toBe(0);
    expect(received.equals(expected())).toBe(true);
    expect(lstatSync(path('pipe')).isFIFO()).toBe(true);
  });

  it.runIf(existsSync('/dev/full'))('writes into devices', async () => {
    expect(await write('/dev/null')).toMatchObject({ code: 0 });
    const full = await write('/dev/full');
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/cannot write \/dev\/full: .*ENOSPC/);
    for (const device of ['/dev/null', '/dev/full']) expect(lstatSync(device).isCharacterDevice()).toBe(true);
  });

  it('does not replace a directory, and leaves no draft', async () => {
    mkdirSync(path('folder'));
    const run = await write(path('folder'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(path('folder'));
    expect(readdirSync(path('folder'))).toEqual([]);
    expect(readdirSync(folder).filter((each) => each.includes('.tmp-'))).toEqual([]);
  });
});

describe('ztoc create -o', () => {
  it('creates the directory and its parents', async () => {
    const directory = join(folder, 'a', 'b', 'c');
    expect(await runCli(['ztoc', 'create', '-o', directory, LAYER])).toMatchObject({ code: 0 });
    expect(readdirSync(directory)).toEqual(['many-files.tar.gz.ztoc']);
    await createDirectory(directory);
  });

  it.runIf(existsSync('/proc/self'))('fails if the system refuses to create the directory', async () => {
    for (const directory of ['/proc/x', '/proc/x/y', '/dev/null', '/dev/null/x']) {
      const { code, stderr } = await runCli(['ztoc', 'create', '-o', directory, LAYER]);
      expect(code).toBe(1);
      expect(stderr).toContain(directory.slice(0, 7));
    }
  });
});

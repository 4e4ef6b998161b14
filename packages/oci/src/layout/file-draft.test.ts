import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { hasProgram, toBytes } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import { OciError } from '../errors.ts';
import { createFile, type FileContent } from './file-draft.ts';
import { createLayout } from './layout-draft.ts';

const temp = temporaryFolder();
const content: FileContent = () => [toBytes('new '), toBytes('content')];

async function write(path: string, chunks = content): Promise<void> {
  const file = await createFile(path);
  try {
    await file.write(chunks);
    await file.commit();
  } finally {
    await file.discard();
  }
}

describe('createFile', () => {
  test('replaces a file when it is committed, with its permissions', async () => {
    const path = join(temp, 'replaced');
    writeFileSync(path, 'old');
    chmodSync(path, 0o600);
    const file = await createFile(path);
    await file.write(content);
    expect(readFileSync(path, 'utf8')).toBe('old');
    await file.commit();
    await file.discard();
    expect(readFileSync(path, 'utf8')).toBe('new content');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing behind when it is discarded or its content fails', async () => {
    const folder = join(temp, 'failing');
    mkdirSync(folder);
    const file = await createFile(join(folder, 'file'));
    await file.write(content);
    await file.discard();
    const failing = () =>
      (function* () {
        yield toBytes('a part');
        throw new OciError('NOT_FOUND', 'the rest');
      })();
    await expect(write(join(folder, 'file'), failing)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ['an existing file', true],
    ['a missing file', false],
  ])('writes %s through symbolic links', async (_, exists) => {
    const folder = join(temp, `links-${exists}`);
    mkdirSync(join(folder, 'inner'), { recursive: true });
    if (exists) writeFileSync(join(folder, 'inner', 'target'), 'old');
    symlinkSync('inner/middle', join(folder, 'outer'));
    symlinkSync('target', join(folder, 'inner', 'middle'));
    await write(join(folder, 'outer'));
    expect(readFileSync(join(folder, 'inner', 'target'), 'utf8')).toBe('new content');
    expect([readlinkSync(join(folder, 'outer')), readlinkSync(join(folder, 'inner', 'middle'))]).toEqual([
      'inner/middle',
      'target',
    ]);
    expect(readdirSync(join(folder, 'inner')).sort()).toEqual(['middle', 'target']);
  });

  test('does not write a directory, a loop of links, or a file in a missing directory', async () => {
    mkdirSync(join(temp, 'directory'));
    symlinkSync('loop', join(temp, 'loop'));
    for (const name of ['directory', 'loop', 'missing/file']) {
      await expect(write(join(temp, name))).rejects.toMatchObject({
        code: 'WRITE_FAILED',
        message: expect.stringContaining(join(temp, name)),
      });
    }
    expect(lstatSync(join(temp, 'loop')).isSymbolicLink()).toBe(true);
  });

  test('does not replace what is not a file, even if it was created meanwhile', async () => {
    const path = join(temp, 'meanwhile');
    const file = await createFile(path);
    await file.write(content);
    symlinkSync('elsewhere', path);
    await expect(file.commit()).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await file.discard();
    expect(readlinkSync(path)).toBe('elsewhere');
  });

  test.runIf(existsSync('/dev/full'))('writes devices in place', async () => {
    await write('/dev/null');
    await expect(write('/dev/full')).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    for (const device of ['/dev/null', '/dev/full']) expect(lstatSync(device).isCharacterDevice()).toBe(true);
    expect(readdirSync('/dev').filter((name) => name.includes('.tmp-'))).toEqual([]);
  });

  test.skipIf(!hasProgram('mkfifo'))('writes a named pipe in place, when it has a reader (needs mkfifo)', async () => {
    const path = join(temp, 'pipe');
    execFileSync('mkfifo', [path]);
    const written = write(path);
    const reader = spawn('cat', [path]);
    expect(await text(reader.stdout)).toBe('new content');
    await written;
    expect(lstatSync(path).isFIFO()).toBe(true);
  });

  test.skipIf(!hasProgram('mkfifo'))('stops waiting for a reader when it is aborted (needs mkfifo)', async () => {
    const path = join(temp, 'pipe-without-reader');
    execFileSync('mkfifo', [path]);
    const controller = new AbortController();
    const file = await createFile(path);
    const written = file.write(content, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(written).rejects.toThrow('enough');
  });

  test('writes damaged content again, once, except in place', async () => {
    let calls = 0;
    const damagedOnce = () => {
      calls += 1;
      if (calls === 1) throw new OciError('DIGEST_MISMATCH', 'damaged');
      return content();
    };
    await write(join(temp, 'again'), damagedOnce);
    expect(readFileSync(join(temp, 'again'), 'utf8')).toBe('new content');
    calls = 0;
    await expect(write('/dev/null', damagedOnce)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('drafts of killed processes', () => {
  /** Starts a process that creates drafts of a file and a layout, and waits. Returns the names of the drafts. */
  async function startWriter(folder: string) {
    const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
    const script = `
      import { createFile } from ${module('./file-draft.ts')};
      import { createLayout } from ${module('./layout-draft.ts')};
      const file = await createFile(${JSON.stringify(join(folder, 'file'))});
      await file.write(() => [new Uint8Array(10)]);
      await createLayout(${JSON.stringify(join(folder, 'layout'))});
      process.stdout.write('written');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, [
      '--no-warnings',
      '--conditions=@soci/source',
      '--input-type=module',
      '-e',
      script,
    ]);
    await once(child.stdout, 'data');
    return { child, drafts: readdirSync(folder).filter((name) => name.includes('.tmp-')) };
  }

  test.runIf(process.features.typescript)('are removed when the next file or layout is created', async () => {
    const folder = join(temp, 'killed');
    mkdirSync(folder);
    writeFileSync(join(folder, 'note.tmp-1'), 'a file of the user');
    const { child, drafts } = await startWriter(folder);
    expect(drafts).toHaveLength(3);

    // While the process runs, its drafts stay.
    await write(join(folder, 'other'));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(drafts));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await write(join(folder, 'other'));
    expect(readdirSync(folder).sort()).toEqual(['note.tmp-1', 'other']);
  });

  test('stay if they belong to this process, another host, or a process that cannot be checked', async () => {
    const folder = join(temp, 'kept');
    mkdirSync(folder);
    const own = await createFile(join(folder, 'own'));
    await own.write(content);
    const [name = ''] = readdirSync(folder);
    const [, pid = '', start = '', host = '', random = ''] = /^own\.tmp-(\d+)-(\w+)-(\w+)-(\w+)$/.exec(name) ?? [];
    expect(Number(pid)).toBe(process.pid);
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const foreign = [
      `own.tmp-${ended}-${start}-${host.split('').reverse().join('')}-${random}`, // another host
      `own.tmp-${pid}-0-${host}-${random}`, // a system that does not tell when processes start
    ];
    const abandoned = [
      `own.tmp-${ended}-${start}-${host}-${random}`,
      ...(start === '0' ? [] : [`own.tmp-${pid}-1-${host}-${random}`]), // the process id was used again
    ];
    for (const each of [...foreign, ...abandoned]) writeFileSync(join(folder, each), '');
    await createLayout(join(folder, 'layout')).then((draft) => draft.discard());
    expect(readdirSync(folder).sort()).toEqual([name, ...foreign].sort());
    await own.commit();
    expect(basename(join(folder, 'own'))).toBe('own');
  });

  test('have a name that fits the file system, whatever the target is called', async () => {
    const path = join(temp, 'é'.repeat(120));
    await write(path);
    expect(readFileSync(path, 'utf8')).toBe('new content');
  });
});

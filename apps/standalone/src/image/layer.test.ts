import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hasProgram, sha256 } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { type LayerEntries, type LayerEntry, makeLayer, readEntries } from './layer.ts';

const temp = temporaryFolder();

describe('a layer', () => {
  it('does not depend on the order of its entries', async () => {
    const files: [string, LayerEntry][] = [
      ['usr/bin/node', { mode: 0o755, content: 'node' }],
      ['etc/passwd', { content: 'root' }],
      ['home/nonroot/', { mode: 0o700, owner: 65532 }],
    ];
    const layer = await makeLayer(new Map(files));
    expect((await makeLayer(new Map(files.toReversed()))).descriptor).toEqual(layer.descriptor);
    expect(layer.descriptor.digest).toBe(sha256(layer.bytes));
    expect(layer.diffId).toBe(sha256(gunzipSync(layer.bytes)));
  });

  it('cannot have a path that is too long for its header', async () => {
    await expect(makeLayer(new Map([['a'.repeat(101), {}]]))).rejects.toThrow('longer than 100 bytes');
  });

  it.skipIf(!hasProgram('tar'))('has parents before their files, time 0 and the given owners (needs tar)', async () => {
    const entries: LayerEntries = new Map([
      ['usr/lib/app.js', { content: 'text' }],
      ['usr/lib-old', { target: 'lib' }],
      ['home/nonroot/', { mode: 0o700, owner: 65532 }],
    ]);
    const file = join(temp, 'layer.tar.gz');
    writeFileSync(file, (await makeLayer(entries)).bytes);
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    const lines = execFileSync('tar', ['-tzvf', file, '--numeric-owner'], { encoding: 'utf8', env }).trim().split('\n');
    expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 home/',
      'drwx------ 65532/65532 0 1970-01-01 00:00 home/nonroot/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 usr/lib-old -> lib',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/lib/',
      '-rw-r--r-- 0/0 4 1970-01-01 00:00 usr/lib/app.js',
    ]);
  });
});

describe('the entries of a folder', () => {
  it('have modes, contents and links, but no set-user-ID', () => {
    const folder = join(temp, 'folder');
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin', 'program'), 'code');
    chmodSync(join(folder, 'bin', 'program'), 0o4755);
    symlinkSync('bin/program', join(folder, 'link'));
    utimesSync(join(folder, 'bin'), 1, 1);
    const content = readFileSync(join(folder, 'bin', 'program'));
    expect([...readEntries(folder)].sort()).toEqual([
      ['bin/', { mode: 0o755 }],
      ['bin/program', { mode: 0o755, content }],
      ['link', { target: 'bin/program' }],
    ]);
  });
});

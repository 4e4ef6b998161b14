import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { digestOf } from '@soci/oci';
import { goldenLayerPath, hasProgram } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const layer = goldenLayerPath('gzip-level6.tar.gz');
const ztoc = join(folder, 'gzip-level6.tar.gz.ztoc');
const file = 'usr/bin/f00000-wgjrngs';

beforeAll(async () => {
  const run = await runCli(['ztoc', 'create', '--quiet', '--span-size', '64KiB', '-o', folder, layer]);
  expect(run).toMatchObject({ code: 0, stderr: '', stdout: `${digestOf(readFileSync(ztoc))}\n` });
});

describe('ztoc create', () => {
  it('writes nothing without --output', async () => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await runCli(['ztoc', 'create', layer]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^gzip-level6\.tar\.gz {2}241 KiB {2}51 files {2}1 span {2}zTOC 40\.9 KiB {2}[\d.]+ s\n$/);
    expect(stdout).toMatch(/^LAYER +SIZE +FILES +SPANS +ZTOC +SIZE +TIME\ngzip-level6\.tar\.gz +241 KiB +51 +1 /);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('continues after an invalid layer, and reports the layer and the offset', async () => {
    const cut = join(folder, 'cut.tar.gz');
    writeFileSync(cut, readFileSync(layer));
    truncateSync(cut, 100_000);
    const out = join(folder, 'made');
    const { code, stdout, stderr } = await runCli(['ztoc', 'create', '-o', out, cut, 'no-such-file', layer]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cut\.tar\.gz: .* byte (99999|100000)\b.*\[GZIP_TRUNCATED\]$/m);
    expect(stderr).toContain('no-such-file: no such file or directory [ENOENT]');
    expect(stdout).toContain('gzip-level6.tar.gz');
    expect(readdirSync(out)).toEqual(['gzip-level6.tar.gz.ztoc']);
  });

  it('uses the compression of --compression', async () => {
    const run = await runCli(['ztoc', 'create', '--json', '--compression', 'uncompressed', layer]);
    expect(run.code).toBe(1);
    expect(jsonLines(run)).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'TAR_INVALID', offset: 0 }) }),
    ]);
  });

  it('produces a different digest for a different build tool identifier', async () => {
    const run = await runCli(['ztoc', 'create', '--json', '--build-tool-identifier', 'another tool', layer]);
    const plain = await runCli(['ztoc', 'create', '--json', layer]);
    expect(jsonLines<{ digest: string }>(run)[0]?.digest).not.toBe(jsonLines<{ digest: string }>(plain)[0]?.digest);
  });

  it('stops when it is interrupted, and leaves no partial files', async () => {
    const out = join(folder, 'aborted');
    const run = await runCli(['ztoc', 'create', '-o', out, layer], {
      signal: AbortSignal.abort(new Error('stopped by SIGINT')),
    });
    expect(run).toMatchObject({ code: 130, stdout: '' });
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  });
});

describe('ztoc info', () => {
  it('prints the metadata of a zTOC', async () => {
    const [facts] = jsonLines(await runCli(['ztoc', 'info', '--json', ztoc]));
    expect(facts).toEqual({
      digest: digestOf(readFileSync(ztoc)),
      size: readFileSync(ztoc).length,
      version: '0.9',
      buildToolIdentifier: 'AWS SOCI CLI v0.2',
      compression: 'gzip',
      maxSpanId: 4,
      spanSize: 65_536,
      smallestSpan: 76_491,
      largestSpan: 137_545,
      files: 51,
      compressedArchiveSize: 246_447,
      uncompressedArchiveSize: 526_848,
    });
  });

  it.each(['info', 'ls'])('%s rejects a file that is not a zTOC, and names the file', async (command) => {
    const run = await runCli(['ztoc', command, '--json', layer]);
    expect(run.code).toBe(1);
    expect(jsonLines(run)).toEqual([
      { error: expect.objectContaining({ code: 'ZTOC_INVALID', message: expect.stringContaining(layer) }) },
    ]);
  });
});

describe('ztoc ls', () => {
  it.skipIf(!hasProgram('tar'))('lists the same names as tar, if tar is installed', async () => {
    const names = execFileSync('tar', ['-tf', '-'], { input: gunzipSync(readFileSync(layer)), encoding: 'utf8' });
    expect((await runCli(['ztoc', 'ls', '--quiet', ztoc])).stdout).toBe(names);
  });

  it('prints a line of JSON for each file', async () => {
    const files = jsonLines<{ name: string }>(await runCli(['ztoc', 'list', '--json', ztoc]));
    expect(files).toHaveLength(51);
    expect(files.find(({ name }) => name === file)).toMatchObject({
      type: 'reg',
      size: 136,
      mode: 0o755,
      userName: 'root',
    });
  });

  it('includes extended attributes', async () => {
    const out = join(folder, 'kinds');
    await runCli(['ztoc', 'create', '-o', out, goldenLayerPath('pax-xattrs.tar.gz')]);
    const listed = jsonLines<{ paxRecords?: object }>(
      await runCli(['ztoc', 'ls', '--json', join(out, 'pax-xattrs.tar.gz.ztoc')]),
    );
    expect(listed.flatMap(({ paxRecords = {} }) => Object.keys(paxRecords))).toContain(
      'SCHILY.xattr.security.capability',
    );
  });
});

describe('ztoc cat', () => {
  let content: Buffer;

  beforeAll(async () => {
    const files = jsonLines<{ name: string; offset: number; size: number }>(
      await runCli(['ztoc', 'ls', '--json', ztoc]),
    );
    const { offset, size } = files.find(({ name }) => name === file) ?? { offset: 0, size: 0 };
    content = gunzipSync(readFileSync(layer)).subarray(offset, offset + size);
    expect(content.length).toBe(136);
  });

  it('prints the content of a file', async () => {
    const { code, bytes, stderr } = await runCli(['ztoc', 'cat', ztoc, layer, file]);
    expect({ code, stderr, same: content.equals(bytes) }).toEqual({ code: 0, stderr: '', same: true });
  });

  it('follows links and writes to a file', async () => {
    const out = join(folder, 'extracted');
    expect(await runCli(['ztoc', 'get-file', '-o', out, ztoc, layer, 'usr/bin/h0'])).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(content.equals(readFileSync(out))).toBe(true);
  });

  it('detects a different layer and writes nothing', async () => {
    const out = join(folder, 'wrong');
    const run = await runCli(['ztoc', 'cat', '-o', out, ztoc, goldenLayerPath('gzip-level9.tar.gz'), file]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('[SPAN_DIGEST_MISMATCH]');
    expect(existsSync(out)).toBe(false);
  });

  it.each(['no/such/file', 'usr/bin'])('fails for %s', async (path) => {
    expect(await runCli(['ztoc', 'cat', ztoc, layer, path])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('ztoc verify', () => {
  it('accepts the zTOC of a layer', async () => {
    const run = await runCli(['ztoc', 'verify', '--json', ztoc, layer]);
    expect(run.code).toBe(0);
    expect(jsonLines(run)).toEqual([
      expect.objectContaining({ valid: true, files: 51, spans: 5, spansRead: 5, problems: [] }),
    ]);
    expect((await runCli(['ztoc', 'verify', ztoc, layer])).stdout).toContain('Verification passed.');
  });

  it.each(['gzip-level9.tar.gz', 'plain.tar'])('rejects a different layer: %s', async (other) => {
    const run = await runCli(['ztoc', 'verify', ztoc, goldenLayerPath(other)]);
    expect(run.code).toBe(1);
  });

  it('detects a changed byte in a layer of the same size', async () => {
    const changed = join(folder, 'changed.tar.gz');
    const bytes = readFileSync(layer);
    bytes.writeUInt8(bytes.readUInt8(120_000) ^ 1, 120_000);
    writeFileSync(changed, bytes);
    const { code, stdout } = await runCli(['ztoc', 'verify', ztoc, changed]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^(span-digest-mismatch|layer-damaged) /m);
  });
});

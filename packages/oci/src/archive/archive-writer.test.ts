import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeContent,
  drain,
  goldenLayoutNames,
  goldenLayoutPath,
  hasProgram,
  jsonBytes,
  put,
  toBytes,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, test } from 'vitest';
import type { Fetcher, Prober } from '../content.ts';
import { copyImage } from '../copy.ts';
import { digestOf } from '../digest.ts';
import { makeImage } from '../fixtures/image.ts';
import { openLayout } from '../layout/layout-store.ts';
import { MEDIA_TYPE_OCI_EMPTY, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '../media-types.ts';
import { MemoryStore } from '../memory-store.ts';
import { OverlayStore } from '../overlay.ts';
import { openArchive } from './archive-store.ts';
import { archiveChunks, writeArchive } from './archive-writer.ts';
import { formatMemberHeader, formatPaxRecord, parsePaxRecords, parseTarHeader } from './tar-format.ts';

const temp = temporaryFolder();

describe('writeArchive', () => {
  test.each(goldenLayoutNames())('writes and reads back the golden layout %s', async (name) => {
    const source = await openLayout(goldenLayoutPath(name));
    const roots = await source.roots();
    const path = join(temp, `${name}.tar`);
    await writeArchive(
      path,
      source,
      roots.map((target) => ({ target })),
    );
    const archive = await openArchive(path);
    expect(await archive.roots()).toEqual(roots);
    const copy = new MemoryStore();
    for (const root of roots) await copyImage(archive, copy, root);
    for (const root of roots) expect(await copyImage(source, copy, root)).toMatchObject({ copied: 0 });
    await archive.close();
  });

  test('is deterministic', async () => {
    const { store, root } = await makeImage();
    const [path, again] = [join(temp, 'image.tar'), join(temp, 'again.tar')];
    await writeArchive(path, store, [{ target: root, reference: 'v1' }]);
    await writeArchive(again, store, [{ target: root, reference: 'v1' }]);
    expect(readFileSync(path).equals(readFileSync(again))).toBe(true);
    expect(digestOf(readFileSync(path))).toBe(
      'sha256:2322a07a1f6c18afeec4277a9d3767d471b339ab0c9994ed27a62775128f0407',
    );
  });

  test('writes the archive again, once, if a blob is damaged', async () => {
    const { store, root } = await makeImage();
    const [path, again] = [join(temp, 'expected.tar'), join(temp, 'damaged-once.tar')];
    await writeArchive(path, store, [{ target: root, reference: 'v1' }]);
    const damaged = 6;
    let reads = 0;
    const source: Fetcher & Prober = {
      exists: (target) => store.exists(target),
      async *fetch(target) {
        const isDamaged = ++reads === damaged;
        for await (const chunk of store.fetch(target)) yield isDamaged ? chunk.slice().fill(0, 0, 1) : chunk;
      },
    };
    await writeArchive(again, source, [{ target: root, reference: 'v1' }]);
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    expect(reads).toBeGreaterThan(damaged);
  });

  test.skipIf(!hasProgram('tar'))('writes members in order, readable by tar (needs tar)', async () => {
    const { store, root } = await makeImage();
    const path = join(temp, 'image.tar');
    await writeArchive(path, store, [{ target: root, reference: 'v1' }]);
    const listed = execFileSync('tar', ['-tf', path], { encoding: 'utf8' }).trim().split('\n');
    expect(listed).toHaveLength(10);
    expect([listed[0], listed.at(-2), listed.at(-1)]).toEqual([
      'oci-layout',
      `blobs/sha256/${root.digest.slice(7)}`,
      'index.json',
    ]);
  });

  test('writes the content of both stores of an overlay', async () => {
    const lower = await openLayout(goldenLayoutPath('single-oci'));
    const { store: upper, root: added } = await makeImage();
    const path = join(temp, 'overlay.tar');
    const old = await lower.resolve();
    await writeArchive(path, new OverlayStore(upper, lower), [
      { target: old, reference: 'old' },
      { target: added, reference: 'new' },
    ]);
    const archive = await openArchive(path);
    expect(await archive.resolve('old')).toMatchObject(old);
    expect(await archive.resolve('new')).toMatchObject(added);
    await archive.close();
  });

  test('a failure does not change an existing file', async () => {
    const { store, root } = await makeImage();
    const path = join(temp, 'kept.tar');
    writeFileSync(path, 'before');
    const before = readdirSync(temp);
    const missing = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, toBytes('missing'));
    const written = writeArchive(path, store, [{ target: root }, { target: missing }]);
    await expect(written).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const named = writeArchive(path, store, [{ target: root, reference: 'not a name' }]);
    await expect(named).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(temp)).toEqual(before);
    await expect(writeArchive(join(temp, 'no', 'such'), store, [])).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(existsSync(join(temp, 'no'))).toBe(false);
  });

  test('a damaged layer in the source fails the stream', async () => {
    const { store, root } = await makeImage();
    const damaged = {
      exists: (target: typeof root) => store.exists(target),
      async *fetch(target: typeof root) {
        const [bytes] = [await drain(store.fetch(target))];
        yield target.mediaType.includes('layer') ? Buffer.alloc(bytes.length) : bytes;
      },
    };
    await expect(drain(archiveChunks(damaged, [{ target: root }]))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('omits a non-distributable layer that the source does not have', async () => {
    const store = new MemoryStore();
    const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
    const layer = describeContent('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', toBytes('elsewhere'));
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [layer] };
    const root = await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(manifest));
    const path = join(temp, 'foreign.tar');
    await writeArchive(path, store, [{ target: root }]);
    const archive = await openArchive(path);
    expect([await archive.exists(root), await archive.exists(layer)]).toEqual([true, false]);
    await archive.close();
  });
});

describe('formatMemberHeader', () => {
  test('writes a ustar header that can be read back', () => {
    const header = formatMemberHeader('index.json', 8 * 2 ** 30 - 1);
    expect(header).toHaveLength(512);
    expect(parseTarHeader(header, 0)).toEqual({ name: 'index.json', type: '0', size: 8 * 2 ** 30 - 1 });
  });

  test('writes a PAX header for a name or size that does not fit into ustar', () => {
    const name = `blobs/sha512/${'0'.repeat(128)}`;
    const header = formatMemberHeader(name, 8 * 2 ** 30);
    expect(header).toHaveLength(1536);
    const { type, size } = parseTarHeader(header.subarray(0, 512), 0) ?? {};
    expect(type).toBe('x');
    expect([...parsePaxRecords(header.subarray(512, 512 + (size ?? 0)), 512)]).toEqual([
      ['path', name],
      ['size', '8589934592'],
    ]);
  });
});

test.each([1, 2, 3, 88, 89, 90, 91, 986, 987, 988, 989, 990])(
  'the length of a PAX record with a value of %i bytes includes itself',
  (length) => {
    const record = formatPaxRecord('path', 'x'.repeat(length));
    expect(Number.parseInt(record, 10)).toBe(record.length);
    expect(parsePaxRecords(Buffer.from(record), 0).get('path')).toHaveLength(length);
  },
);

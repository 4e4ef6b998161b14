import { collect, describeContent, drain, jsonBytes, put, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { MEDIA_TYPE_OCI_EMPTY, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from './media-types.ts';
import { MemoryStore } from './memory-store.ts';

const content = toBytes('content');
const blob = describeContent('application/octet-stream', content);

describe('MemoryStore', () => {
  test('returns pushed content, whole and in ranges', async () => {
    const store = new MemoryStore();
    await store.push(blob, content);
    expect(await drain(store.fetch(blob))).toEqual(Buffer.from(content));
    expect(await store.fetchRange(blob, { offset: 3, length: 4 })).toEqual(toBytes('tent'));
    expect(await store.fetchRange(blob, { offset: 7, length: 0 })).toHaveLength(0);
  });

  test.each([
    { offset: 4, length: 4 },
    { offset: -1, length: 1 },
    { offset: 0, length: -1 },
    { offset: 0.5, length: 1 },
    { offset: 0, length: Number.NaN },
    { offset: 2 ** 53, length: 1 },
  ])('rejects the range %j of 7 bytes', async (range) => {
    const store = new MemoryStore();
    await store.push(blob, content);
    await expect(store.fetchRange(blob, range)).rejects.toMatchObject({ code: 'RANGE_INVALID' });
  });

  test('does not share its memory with callers', async () => {
    const store = new MemoryStore();
    // Buffer.slice() would share memory.
    const given = Buffer.from(content);
    await store.push(blob, given);
    given.fill(0);
    for await (const chunk of store.fetch(blob)) structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
    expect(await drain(store.fetch(blob))).toEqual(Buffer.from(content));
  });

  test('rejects content that does not match, and stores none of it', async () => {
    const store = new MemoryStore();
    const push = (bytes: Uint8Array) => store.push(blob, bytes);
    await expect(push(toBytes('contend'))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await expect(push(toBytes('cont'))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await expect(push(toBytes('contents'))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(await store.exists(blob)).toBe(false);
    await expect(drain(store.fetch(blob))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('rejects a descriptor with a wrong size for existing content', async () => {
    const store = new MemoryStore();
    await store.push(blob, content);
    const wrong = { ...blob, size: 6 };
    expect(await store.exists(wrong)).toBe(false);
    await expect(store.push(wrong, content)).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await expect(drain(store.fetch(wrong))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  test('rejects content above its limit', async () => {
    const store = new MemoryStore({ maxMemory: 10 });
    await store.push(blob, content);
    const other = toBytes('more');
    const rejected = store.push(describeContent('application/octet-stream', other), other);
    await expect(rejected).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('room for 3'),
    });
    await store.push(blob, content);
  });

  test('rejects concurrent content above its limit', async () => {
    const store = new MemoryStore({ maxMemory: 10 });
    const contents = ['first', 'second', 'third'].map(toBytes);
    const push = (bytes: Uint8Array) => store.push(describeContent('application/octet-stream', bytes), bytes);
    const ends = await Promise.allSettled(contents.map(push));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(push(toBytes('x'))).rejects.toMatchObject({ message: expect.stringContaining('room for 0') });
  });

  test('frees the reserved space of failed and duplicate pushes', async () => {
    const store = new MemoryStore({ maxMemory: 14 });
    await Promise.all([store.push(blob, content), store.push(blob, content)]);
    const other = toBytes('another');
    const descriptor = describeContent('application/octet-stream', other);
    await expect(store.push(descriptor, toBytes('an other'))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await store.push(descriptor, other);
  });

  test('resolves tags, and digests of manifests', async () => {
    const store = new MemoryStore();
    const { manifest } = await makeReferrer(store);
    await store.tag(manifest, 'v1');
    expect(await store.resolve('v1')).toEqual(manifest);
    expect(await store.resolve(manifest.digest)).toEqual(manifest);
    await expect(store.resolve('v2')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('tags are: v1'),
    });
    await expect(store.tag(blob, 'v2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('lists referrers with artifact type and annotations, optionally of one type', async () => {
    const store = new MemoryStore();
    const { manifest, subject } = await makeReferrer(store);
    const listed = await collect(store.referrers(subject));
    expect(listed).toEqual([{ ...manifest, artifactType: MEDIA_TYPE_OCI_EMPTY, annotations: { a: '1' } }]);
    expect(await collect(store.referrers(subject, MEDIA_TYPE_OCI_EMPTY))).toEqual(listed);
    expect(await collect(store.referrers(subject, 'application/x'))).toEqual([]);
    expect(await collect(store.referrers(manifest))).toEqual([]);
  });

  test('rejects an invalid manifest', async () => {
    const store = new MemoryStore();
    await expect(put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, content)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    });
  });
});

async function makeReferrer(store: MemoryStore) {
  const subject = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, content);
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
  const annotations = { a: '1' };
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config,
    layers: [],
    subject,
    annotations,
  };
  return { subject, manifest: await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(document)) };
}

import { createHash, randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { digestOf } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { describe, expect, test } from 'vitest';
import { openVerifiedBlob } from './verified-blob.ts';

const content = randomBytes(3_000_000);
const describeBlob = (bytes: Uint8Array) => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.length,
});
const target = describeBlob(content);

/** Creates a store that returns `bytes` in pieces for every descriptor. */
function storeOf(bytes: Uint8Array) {
  const store = {
    isClosed: false,
    async *fetch() {
      try {
        for (let at = 0; at < bytes.length; at += 100_000) yield bytes.slice(at, at + 100_000);
      } finally {
        store.isClosed = true;
      }
    },
  };
  return store;
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('openVerifiedBlob', () => {
  test('streams a blob into a pipeline', async () => {
    const store = new MemoryStore();
    await store.push(target, content);
    const hash = createHash('sha256');
    await pipeline(await openVerifiedBlob(store, target), hash);
    expect(`sha256:${hash.digest('hex')}`).toBe(target.digest);
  });

  test('supports sha512', async () => {
    const digest = `sha512:${createHash('sha512').update(content).digest('hex')}`;
    expect((await drain(await openVerifiedBlob(storeOf(content), { ...target, digest }))).equals(content)).toBe(true);
  });

  test('streams an empty blob', async () => {
    const empty = new Uint8Array();
    expect(await drain(await openVerifiedBlob(storeOf(empty), describeBlob(empty)))).toHaveLength(0);
  });

  test.each([
    ['other bytes', content.with(2_999_999, 1 ^ (content[2_999_999] as number)), 'DIGEST_MISMATCH'],
    ['fewer bytes', content.subarray(0, 2_999_999), 'SIZE_MISMATCH'],
    ['more bytes', Buffer.concat([content, content]), 'SIZE_MISMATCH'],
  ])('emits an error instead of end for %s', async (_what, bytes, code) => {
    const stream = await openVerifiedBlob(storeOf(bytes), target);
    let hasEnded = false;
    stream.on('end', () => {
      hasEnded = true;
    });
    await expect(drain(stream)).rejects.toMatchObject({ name: 'OciError', code });
    expect(hasEnded).toBe(false);
  });

  test('fails with the error of its source', async () => {
    const stream = await openVerifiedBlob(new MemoryStore(), target);
    await expect(drain(stream)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('closes its source when its consumer fails', async () => {
    const store = storeOf(content);
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    await expect(pipeline(await openVerifiedBlob(store, target), full)).rejects.toThrow('disk full');
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.isClosed).toBe(true);
  });

  test('rejects an unsupported digest before fetching', async () => {
    const store = storeOf(content);
    await expect(openVerifiedBlob(store, { ...target, digest: 'md5:00' })).rejects.toMatchObject({
      code: 'DIGEST_INVALID',
    });
    expect(store.isClosed).toBe(false);
  });

  test('fails with the reason of its signal', async () => {
    const store = new MemoryStore();
    await store.push(target, content);
    const reason = new Error('aborted');
    await expect(drain(await openVerifiedBlob(store, target, { signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
  });
});

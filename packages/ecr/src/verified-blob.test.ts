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

/** A store that gives `bytes` in pieces, whatever it is asked for. */
function giving(bytes: Uint8Array) {
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

  test('checks sha512 too', async () => {
    const digest = `sha512:${createHash('sha512').update(content).digest('hex')}`;
    expect((await drain(await openVerifiedBlob(giving(content), { ...target, digest }))).equals(content)).toBe(true);
  });

  test('an empty blob is one', async () => {
    const nothing = new Uint8Array();
    expect(await drain(await openVerifiedBlob(giving(nothing), describeBlob(nothing)))).toHaveLength(0);
  });

  test.each([
    ['other bytes', content.with(2_999_999, 1 ^ (content[2_999_999] as number)), 'DIGEST_MISMATCH'],
    ['fewer bytes', content.subarray(0, 2_999_999), 'SIZE_MISMATCH'],
    ['more bytes', Buffer.concat([content, content]), 'SIZE_MISMATCH'],
  ])('ends in an error, not in its end: %s', async (_what, bytes, code) => {
    const stream = await openVerifiedBlob(giving(bytes), target);
    let hasEnded = false;
    stream.on('end', () => {
      hasEnded = true;
    });
    await expect(drain(stream)).rejects.toMatchObject({ name: 'OciError', code });
    expect(hasEnded).toBe(false);
  });

  test('ends with the error of its source', async () => {
    const stream = await openVerifiedBlob(new MemoryStore(), target);
    await expect(drain(stream)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('closes its source when its receiver fails', async () => {
    const store = giving(content);
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    await expect(pipeline(await openVerifiedBlob(store, target), full)).rejects.toThrow('disk full');
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.isClosed).toBe(true);
  });

  test('refuses a digest that it cannot check, before anything is fetched', async () => {
    const store = giving(content);
    await expect(openVerifiedBlob(store, { ...target, digest: 'md5:00' })).rejects.toThrow(/no digest/);
    expect(store.isClosed).toBe(false);
  });

  test('ends with the reason of its signal', async () => {
    const store = new MemoryStore();
    await store.push(target, content);
    const reason = new Error('enough');
    await expect(drain(await openVerifiedBlob(store, target, { signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
  });
});

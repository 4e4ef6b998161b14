import { describeContent, drain, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import type { Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { readVerified, verifyStream } from './read.ts';

const content = toBytes('some content in three chunks');
const descriptor = describeContent('application/octet-stream', content);
const chunks = [content.subarray(0, 5), content.subarray(5, 5), content.subarray(5)];

/** A store that returns `chunks` for any descriptor, and counts the chunks read. */
function serving(chunks: Iterable<Uint8Array>): Fetcher & { chunksRead: number; closed: boolean } {
  const store = {
    chunksRead: 0,
    closed: false,
    async *fetch() {
      try {
        for (const chunk of chunks) {
          store.chunksRead += 1;
          yield chunk;
        }
      } finally {
        store.closed = true;
      }
    },
  };
  return store;
}

function* endless(): Generator<Uint8Array> {
  while (true) yield new Uint8Array(1000);
}

describe('readVerified', () => {
  test('returns content that matches its descriptor', async () => {
    expect(await readVerified(serving(chunks), descriptor)).toEqual(content);
  });

  test('rejects content above the limit before it is fetched', async () => {
    const store = serving(endless());
    const huge: Descriptor = { ...descriptor, size: 4_194_305 };
    await expect(readVerified(store, huge)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(readVerified(store, descriptor, { maxSize: 5 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(store.chunksRead).toBe(0);
  });

  test('stops at the first excess byte, and closes the stream', async () => {
    const store = serving(endless());
    await expect(readVerified(store, { ...descriptor, size: 2500 })).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(store).toMatchObject({ chunksRead: 3, closed: true });
  });

  test('rejects content that is too short', async () => {
    const error = { code: 'SIZE_MISMATCH', message: expect.stringContaining('ended after 5 of 28 bytes') };
    await expect(readVerified(serving([content.subarray(0, 5)]), descriptor)).rejects.toMatchObject(error);
  });

  test('rejects content with another digest', async () => {
    const changed = content.with(3, 0x20);
    await expect(readVerified(serving([changed]), descriptor)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('rejects a digest with an unsupported algorithm', async () => {
    const unknown = { ...descriptor, digest: 'md5:00' };
    await expect(readVerified(serving(chunks), unknown)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
  });

  test('verifies sha512 digests', async () => {
    const other = describeContent('application/octet-stream', content);
    const wrong = { ...other, digest: `sha512:${'0'.repeat(128)}` };
    await expect(readVerified(serving(chunks), wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('throws the reason of its signal', async () => {
    const reason = new Error('stopped');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(readVerified(serving(chunks), descriptor, options)).rejects.toBe(reason);
  });
});

describe('verifyStream', () => {
  test('passes the same chunks on', async () => {
    const seen: Uint8Array[] = [];
    for await (const chunk of verifyStream(chunks, descriptor)) seen.push(chunk);
    expect(seen).toEqual(chunks);
    expect(seen[0]).toBe(chunks[0]);
  });

  test('hashes a chunk before yielding it, so that it can be transferred', async () => {
    const owned = chunks.map((chunk) => new Uint8Array(chunk));
    let length = 0;
    for await (const chunk of verifyStream(owned, descriptor)) {
      length += chunk.length;
      structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] });
    }
    expect(length).toBe(content.length);
  });

  test('an empty stream is content of size 0', async () => {
    expect(await drain(verifyStream([], describeContent('application/x', new Uint8Array())))).toHaveLength(0);
  });
});

import { describeContent, drain, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import type { Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { readVerified, verifyStream } from './read.ts';

const content = toBytes('some content in three chunks');
const descriptor = describeContent('application/octet-stream', content);
const pieces = [content.subarray(0, 5), content.subarray(5, 5), content.subarray(5)];

/** A store that gives `chunks` whatever it is asked for, and counts how many were taken. */
function serving(chunks: Iterable<Uint8Array>): Fetcher & { taken: number; closed: boolean } {
  const store = {
    taken: 0,
    closed: false,
    async *fetch() {
      try {
        for (const chunk of chunks) {
          store.taken += 1;
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
  test('gives content that is what its descriptor says', async () => {
    expect(await readVerified(serving(pieces), descriptor)).toEqual(content);
  });

  test('refuses more than the limit before anything is fetched', async () => {
    const store = serving(endless());
    const huge: Descriptor = { ...descriptor, size: 4_194_305 };
    await expect(readVerified(store, huge)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(readVerified(store, descriptor, { maxSize: 5 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(store.taken).toBe(0);
  });

  test('stops with the first byte too many, and closes the stream', async () => {
    const store = serving(endless());
    await expect(readVerified(store, { ...descriptor, size: 2500 })).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(store).toMatchObject({ taken: 3, closed: true });
  });

  test('refuses content that ends early', async () => {
    const error = { code: 'SIZE_MISMATCH', message: expect.stringContaining('ended after 5 of 28 bytes') };
    await expect(readVerified(serving([content.subarray(0, 5)]), descriptor)).rejects.toMatchObject(error);
  });

  test('refuses content of the right size and another digest', async () => {
    const changed = content.with(3, 0x20);
    await expect(readVerified(serving([changed]), descriptor)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('refuses a digest that it cannot check', async () => {
    const unknown = { ...descriptor, digest: 'md5:00' };
    await expect(readVerified(serving(pieces), unknown)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
  });

  test('checks sha512 too', async () => {
    const other = describeContent('application/octet-stream', content);
    const wrong = { ...other, digest: `sha512:${'0'.repeat(128)}` };
    await expect(readVerified(serving(pieces), wrong)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('ends with the reason of its signal', async () => {
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(readVerified(serving(pieces), descriptor, options)).rejects.toBe(reason);
  });
});

describe('verifyStream', () => {
  test('passes the very chunks on', async () => {
    const seen: Uint8Array[] = [];
    for await (const chunk of verifyStream(pieces, descriptor)) seen.push(chunk);
    expect(seen).toEqual(pieces);
    expect(seen[0]).toBe(pieces[0]);
  });

  test('has hashed a chunk before it hands it out, so that it may be transferred', async () => {
    const owned = pieces.map((piece) => new Uint8Array(piece));
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

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@soci/oci';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, openUpload, pushBlob, sendChunk } from '../fixtures/upload.ts';

const bytes = Buffer.from(Array.from({ length: 2_100_000 }, (_, at) => at % 253));

test('stores a blob in a file named by its digest', async () => {
  const folder = temporaryFolder();
  const registry = await startForTest({ folder });
  const digest = await pushBlob(registry, 'app', bytes);
  expect(readFileSync(join(folder, 'sha256', digest.slice(7)))).toEqual(bytes);
  const url = `${registry.url}/v2/app/blobs/${digest}`;
  expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
  const part = await fetch(url, { headers: { range: 'bytes=1048570-2097155' } });
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(1_048_570, 2_097_156));
});

test('supports chunks and sha512', async () => {
  const registry = await startForTest({ folder: temporaryFolder() });
  const location = await openUpload(registry, 'app');
  await sendChunk(location, bytes.subarray(0, 1_000_000), 0);
  const digest = digestOf(bytes, 'sha512');
  expect((await completeUpload(location, digest, bytes.subarray(1_000_000))).status).toBe(201);
  expect(Buffer.from((await registry.blob('app', digest)) ?? [])).toEqual(bytes);
});

test('removes unfinished uploads on stop', async () => {
  const folder = temporaryFolder();
  const registry = await startForTest({ folder });
  await sendChunk(await openUpload(registry, 'app'), bytes, 0);
  await completeUpload(await openUpload(registry, 'app'), digestOf(Buffer.from('other')), bytes);
  expect(readdirSync(join(folder, 'uploads'))).toHaveLength(1);
  await registry.stop();
  expect(readdirSync(join(folder, 'uploads'))).toEqual([]);
});

import { digestOf } from '@soci/oci';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, locationOf, openUpload, sendChunk } from '../fixtures/upload.ts';

const digest = digestOf(Buffer.from('layer'));
const word = fc.constantFrom(
  'app',
  'v1',
  'A',
  '..',
  '%2e',
  '',
  digest,
  'sha256:1',
  '\u00e9',
  'uploads',
  'x'.repeat(300),
);
const path = fc
  .tuple(
    word,
    fc.constantFrom('blobs', 'manifests', 'tags', 'referrers', 'blobs/uploads'),
    fc.oneof(word, fc.constant('list')),
  )
  .map((parts) => `/v2/${parts.join('/')}`);
const query = fc.constantFrom(
  '',
  '?n=-1',
  '?n=1&last=',
  '?digest=x',
  `?digest=${digest}`,
  '?mount=1',
  '?artifactType=',
  '?%',
);
const headers = fc.record(
  {
    range: fc.constantFrom('bytes=0-0', 'bytes=9-', 'bytes=', 'x'),
    accept: fc.constantFrom('*/*', 'text/html', ';;,'),
    authorization: fc.constantFrom('Basic', 'Basic e30=', 'Bearer x'),
    'content-range': fc.constantFrom('0-1', 'bytes 0-1', '9-1'),
    'content-type': fc.constantFrom('application/json', 'application/vnd.oci.image.index.v1+json', '*'),
  },
  { requiredKeys: [] },
);
const methodAndBody = fc.oneof(
  fc.tuple(fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS'), fc.constant(undefined)),
  fc.tuple(
    fc.constantFrom('PUT', 'POST', 'PATCH', 'DELETE'),
    fc.constantFrom('', '{}', '[]', 'null', '{"schemaVersion":2}', '\0'),
  ),
);

test('responds to any request without an internal error, and to invalid ones with an error message', async () => {
  for (const options of [{}, { ecr: true }, { auth: { bearer: {} } }]) {
    const registry = await startForTest(options);
    registry.createRepository('app');
    if (!('auth' in options)) await seedImage(registry, 'app', 'v1');
    await fc.assert(
      fc.asyncProperty(path, query, headers, methodAndBody, async (at, search, fields, [method, body]) => {
        const request = { method, headers: fields as Record<string, string>, ...(body !== undefined && { body }) };
        const response = await fetch(`${registry.url}${at}${search}`, request);
        expect(response.status).toBeLessThan(500);
        const text = await response.text();
        if (response.status < 400 || method === 'HEAD') return;
        expect(JSON.parse(text).errors).toEqual([
          { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringMatching(/./), detail: {} },
        ]);
      }),
      { numRuns: 150, seed: 4 },
    );
  }
});

test('reassembles a blob from chunks of any size', async () => {
  const registry = await startForTest();
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(), async (chunks, seed) => {
      const whole = Buffer.concat(chunks);
      let location = await openUpload(registry, 'app');
      let start = 0;
      for (const chunk of chunks) {
        const response = await sendChunk(location, Buffer.from(chunk), start);
        expect(response.status).toBe(202);
        location = locationOf(response, registry);
        start += chunk.length;
      }
      const name = digestOf(whole);
      expect((await completeUpload(location, name)).status).toBe(201);
      if (whole.length === 0) return;
      const first = seed % whole.length;
      const range = `bytes=${first}-${first + (seed % 1000)}`;
      const part = await fetch(`${registry.url}/v2/app/blobs/${name}`, { headers: { range } });
      expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(first, first + (seed % 1000) + 1));
    }),
    { numRuns: 30, seed: 4 },
  );
});

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type GoldenLayer, goldenLayerPath, readGoldenLayers } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, expect, test } from 'vitest';
import { readTextFile } from './fixtures/readme-browser-example.ts';
import { readLayerFile, writeZtoc } from './fixtures/readme-example.ts';
import { buildOnTwoThreads } from './fixtures/readme-threads-example.ts';
import { digestOf } from './hashes.ts';

const folder = temporaryFolder();

const LAYER = 'gzip-level6.tar.gz';
const layerPath = goldenLayerPath(LAYER);
const ztocPath = join(folder, 'layer.ztoc');
const expected = readGoldenLayers()[LAYER] as GoldenLayer;

beforeAll(() => writeZtoc(layerPath, `sha256:${expected.sha256}`, ztocPath));

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the examples that this test runs', () => {
  const blocks = [...read('../README.md').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const examples = ['readme-example.ts', 'readme-threads-example.ts', 'readme-browser-example.ts'];
  expect(blocks).toEqual(examples.map((name) => read(`fixtures/${name}`)));
});

test('writeZtoc writes the same zTOC as the reference', () => {
  const digest = createHash('sha256').update(readFileSync(ztocPath)).digest('hex');
  expect(`sha256:${digest}`).toBe(expected.ztocs['65536']?.digest);
});

test('writeZtoc rejects a layer with another digest', async () => {
  await expect(writeZtoc(layerPath, `sha256:${'0'.repeat(64)}`, ztocPath)).rejects.toThrow(expected.sha256);
});

test('buildOnTwoThreads builds the same zTOC as the reference', async () => {
  const { bytes } = await buildOnTwoThreads(createReadStream(layerPath));
  expect(digestOf(bytes)).toBe(expected.ztocs['4194304']?.digest);
});

test('readLayerFile reads one file, from a part of the layer', async () => {
  const file = await readLayerFile(ztocPath, layerPath, '/usr/bin/f00036-dpemne');
  // The content of the file follows its header in the decompressed layer.
  const tar = gunzipSync(readFileSync(layerPath));
  const header = tar.indexOf('usr/bin/f00036-dpemne\0');
  expect(file?.content).toEqual(new Uint8Array(tar.subarray(header + 512, header + 512 + 86_720)));
  expect(file?.bytesFetched).toBeLessThan(expected.size / 6);
});

test('readLayerFile returns undefined for a missing file', async () => {
  expect(await readLayerFile(ztocPath, layerPath, 'etc/passwd')).toBe(undefined);
});

test('readTextFile reads a file from a server with one range request', async () => {
  const ranges: (string | undefined)[] = [];
  const server = createServer(({ url, headers }, response) => {
    if (url === '/ztoc') return void response.end(readFileSync(ztocPath));
    ranges.push(headers.range);
    const [first, last] = (headers.range ?? '').slice('bytes='.length).split('-').map(Number);
    response.writeHead(206, { 'content-range': `bytes ${headers.range?.slice('bytes='.length)}/${expected.size}` });
    response.end(readFileSync(layerPath).subarray(first, (last ?? 0) + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const path = 'usr/bin/f00000-wgjrngs';
    const file = await readLayerFile(ztocPath, layerPath, path);
    expect(await readTextFile(`${url}/ztoc`, `${url}/layer`, path)).toBe(new TextDecoder().decode(file?.content));
    expect(ranges).toEqual([expect.stringMatching(/^bytes=\d+-\d+$/)]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

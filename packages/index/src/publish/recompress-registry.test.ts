import { zstdCompressSync } from 'node:zlib';
import { type Descriptor, MEDIA_TYPE_OCI_LAYER_ZSTD } from '@soci/oci';
import { openRegistry } from '@soci/registry';
import {
  type CompressedLayer,
  makeTextTar,
  makeZstdTextLayer,
  noise,
  putLayeredImage,
  sha256,
  tarOf,
} from '@soci/test-content';
import { type Fault, startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifySociIndex } from '../verify/verify-index.ts';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions } from './options.ts';

const OPTIONS = { minLayerSize: 1000, jobs: 1, recompress: ['zstd'] } satisfies IndexImageOptions;

/** A layer whose gzip form has three chunks, and a smaller one. */
const tar = tarOf({ noise: noise(18_000_000), text: makeTextTar('text', 1_000_000) });
const large: CompressedLayer = { tar, bytes: zstdCompressSync(tar), mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD };
const layers = [large, makeZstdTextLayer('small')];

/** Pushes the image to a registry that imitates Amazon ECR, and clears the list of requests. */
async function start() {
  const server = await startTestRegistry({ ecr: true, autoCreate: true });
  onTestFinished(() => server.stop());
  const client = openRegistry(server.host, { plainHttp: true, env: {}, retry: { baseDelay: 1, maxAttempts: 2 } });
  onTestFinished(() => client.close());
  await putLayeredImage(client.repository('app'), layers).then((image) => client.repository('app').tag(image, 'v1'));
  server.clearRequests();
  const convert = (options: IndexImageOptions = {}, path = 'app') =>
    indexImage(
      { store: client.repository('app'), reference: 'v1' },
      { store: client.repository(path), tag: 'v1-soci' },
      { ...OPTIONS, ...options },
    );
  return { server, convert, repository: client.repository('app') };
}

const count = ({ requests }: TestRegistry, method: string, path: string | RegExp = '') =>
  requests.filter((request) => request.method === method && request.path.match(path)).length;

/** Reports whether uploads were neither completed nor cancelled. */
const countOpenUploads = (server: TestRegistry) => {
  const opened = server.requests.filter(({ method, status }) => method === 'POST' && status === 202).length;
  const ended = server.requests.filter(
    ({ method, path, status }) =>
      path.includes('/uploads/') && (method === 'DELETE' || (method === 'PUT' && status === 201)),
  ).length;
  return opened - ended;
};

describe('indexImage with recompress, from a registry to a registry', () => {
  it.each([1, 2])('reads each layer once, and uploads it while it is compressed, with %i jobs', async (jobs) => {
    const { server, convert, repository } = await start();
    const result = await convert({ jobs, proof: { spans: 2 } });
    if (result.outcome !== 'indexed') throw new Error(result.message);
    expect(result.layers).toMatchObject([{ recompressedFrom: {} }, { recompressedFrom: {} }]);
    for (const { bytes } of layers) expect(count(server, 'GET', `/blobs/${sha256(bytes)}`)).toBe(1);
    expect(count(server, 'PATCH')).toBe(3);
    expect(countOpenUploads(server)).toBe(0);
    expect(server.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(await verifySociIndex(repository, result.root as Descriptor)).toMatchObject({ outcome: 'valid' });
    server.clearRequests();
    expect(await convert({ jobs })).toMatchObject({ outcome: 'already-indexed' });
    expect(count(server, 'GET', '/blobs/')).toBe(0);
  });

  const reset: Fault = { kind: 'reset', afterBytes: 3_000_000 };

  it('compresses a layer again if the registry loses its upload', async () => {
    const { server, convert } = await start();
    server.inject({ on: { method: 'PATCH' }, after: 1, fault: reset });
    server.inject({ on: { method: 'GET', path: /uploads/ }, fault: { kind: 'status', status: 404 } });
    const lost = await convert();
    expect(lost).toMatchObject({ outcome: 'indexed' });
    expect(count(server, 'GET', `/blobs/${sha256(large.bytes)}`)).toBe(2);
    expect(server.checkGraph('app', 'v1-soci')).toEqual([]);
    const undisturbed = await (await start()).convert();
    expect(undisturbed).toMatchObject({ root: (lost as { root?: Descriptor }).root });
  });

  it('fails without a tag and without an open upload if the registry rejects the upload', async () => {
    const { server, convert } = await start();
    server.inject({ on: { method: 'PATCH' }, after: 1, times: 9, fault: { kind: 'status', status: 503 } });
    await expect(convert()).rejects.toMatchObject({ code: 'SERVER_FAILED' });
    expect(server.manifest('app', 'v1-soci')).toBeUndefined();
    expect(countOpenUploads(server)).toBe(0);
  });

  it('cancels the upload of a damaged layer, and reads the layer again', async () => {
    const { server, convert } = await start();
    const on = { method: 'GET', path: new RegExp(sha256(large.bytes)) };
    const fault = server.inject({ on, fault: { kind: 'wrong-bytes', atByte: 17_000_000 } });
    expect(await convert()).toMatchObject({ outcome: 'indexed' });
    expect(fault.hits).toBe(1);
    expect(count(server, 'DELETE', '/uploads/')).toBe(1);
    expect(countOpenUploads(server)).toBe(0);
    expect(server.checkGraph('app', 'v1-soci')).toEqual([]);
  });

  it('cancels the uploads if it is aborted', async () => {
    const { server, convert } = await start();
    const abort = new AbortController();
    const reason = new Error('stopped');
    server.inject({ on: { method: 'PATCH' }, after: 1, fault: { kind: 'stall', afterBytes: 1000 } });
    const converted = convert({ jobs: 2, signal: abort.signal });
    await expect.poll(() => count(server, 'PATCH'), { timeout: 120_000 }).toBe(2);
    abort.abort(reason);
    await expect(converted).rejects.toBe(reason);
    expect(countOpenUploads(server)).toBe(0);
    expect(server.manifest('app', 'v1-soci')).toBeUndefined();
  });
});

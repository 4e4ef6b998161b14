import { digestOf, type ListedImage, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { collect, smallImage } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { openTestRepository, requestLines } from './fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from './fixtures/scripted-registry.ts';
import { openRegistryCatalog } from './registry-catalog.ts';

const APP = 'team/app';
const MISSING = `sha256:${'0'.repeat(64)}`;

async function start(options: Parameters<typeof openTestRepository>[0] = {}) {
  const opened = await openTestRepository(options);
  const catalog = openRegistryCatalog(opened.client);
  /** Stores an index that differs by its annotation. */
  const put = (tag: string, name: string, fields: object = {}): string => {
    const index = { schemaVersion: 2, manifests: [], annotations: { name }, ...fields };
    return opened.server.putManifest(APP, tag, MEDIA_TYPE_OCI_IMAGE_INDEX, Buffer.from(JSON.stringify(index)));
  };
  const list = async (): Promise<readonly ListedImage[]> => (await collect(catalog.images(APP))).flat();
  return { ...opened, catalog, put, list };
}

test('lists repositories', async () => {
  const { catalog, put } = await start();
  put('v1', 'one');
  expect(await collect(catalog.repositories())).toEqual([APP]);
});

describe('images', () => {
  test('lists what tags refer to, with all tags, in one request per tag', async () => {
    const { server, list, put } = await start({ pageSize: 2 });
    const [one, two] = [put('v1', 'one'), put('v2', 'two')];
    put('latest', 'one');
    put(MISSING, 'untagged');
    const mediaType = MEDIA_TYPE_OCI_IMAGE_INDEX;
    expect(await list()).toEqual([
      { digest: one, mediaType, tags: ['latest', 'v1'] },
      { digest: two, mediaType, tags: ['v2'] },
    ]);
    const heads = requestLines(server).filter((line) => line.startsWith('HEAD'));
    expect(heads.sort()).toEqual(['latest', 'v1', 'v2'].map((tag) => `HEAD /v2/${APP}/manifests/${tag} 200`));
  });

  test('leaves out tags that are deleted during the listing', async () => {
    const { server, list, put } = await start();
    for (const tag of ['v1', 'v2', 'v3']) put(tag, tag);
    server.inject({ on: { method: 'HEAD', path: '/manifests/v2' }, fault: { kind: 'status', status: 404 } });
    expect((await list()).flatMap(({ tags }) => tags)).toEqual(['v1', 'v3']);
  });

  test('sends at most 8 requests at a time', async () => {
    let running = 0;
    let most = 0;
    const { registry } = await openScriptedRepository((request, response) => {
      if (request.method === 'GET')
        return respondJson(response, { tags: Array.from({ length: 50 }, (_, i) => `v${i}`) });
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.writeHead(200, { 'docker-content-digest': MISSING }).end();
      }, 5);
    });
    const pages = await collect(openRegistryCatalog(registry).images(APP));
    expect([pages[0]?.[0]?.tags.length, most]).toEqual([50, 8]);
    expect(() => openRegistryCatalog(registry, { concurrency: 0 })).toThrow('expected an integer from 1 to 100');
  });

  test('reads the manifest if HEAD is not supported or has no digest', async () => {
    const { bytes } = smallImage().manifest;
    const { registry } = await openScriptedRepository((request, response) => {
      if (request.url?.includes('tags/list')) return respondJson(response, { tags: ['v1', 'v2'] });
      const status = request.url?.endsWith('v1') && request.method === 'HEAD' ? 405 : 200;
      response.writeHead(status, { 'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST }).end(bytes);
    });
    expect(await collect(openRegistryCatalog(registry).images(APP))).toEqual([
      [{ digest: digestOf(bytes), mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, tags: ['v1', 'v2'] }],
    ]);
  });

  test('asks once for a tag that the list repeats', async () => {
    const { registry, lines } = await openScriptedRepository((request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { 'docker-content-digest': MISSING }).end();
        return;
      }
      const page = Number(/last=(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
      const link = page < 3 ? { link: `</v2/team/app/tags/list?last=${page + 1}>; rel="next"` } : undefined;
      respondJson(response, { tags: ['v1', 'v1'] }, link);
    });
    expect((await collect(openRegistryCatalog(registry).images(APP))).flat()).toMatchObject([{ tags: ['v1'] }]);
    expect(lines).toHaveLength(5);
  });

  test('fails for a repository that is missing, denied, or has an invalid name', async () => {
    const { catalog, server, list } = await start();
    await expect(list()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    server.denyAccess(APP);
    await expect(list()).rejects.toMatchObject({ name: 'RegistryError', code: 'ACCESS_DENIED' });
    expect(() => catalog.images('./other')).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
  });

  test('fails with the reason of the signal', async () => {
    const { catalog, put } = await start();
    put('v1', 'one');
    const controller = new AbortController();
    const reading = collect(catalog.images(APP, { signal: controller.signal }));
    controller.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
  });
});

describe('manifests', () => {
  test('reads manifests of any media type, without those that are missing', async () => {
    const { catalog, server, put } = await start();
    const index = put('v1', 'one');
    const other = server.putManifest(APP, 'v2', 'application/vnd.example+json', Buffer.from('[1]'));
    const found = await collect(catalog.manifests(APP, [MISSING, other, index]));
    expect(found.map(({ digest, mediaType }) => [digest, mediaType])).toEqual([
      [other, 'application/vnd.example+json'],
      [index, MEDIA_TYPE_OCI_IMAGE_INDEX],
    ]);
    expect(Buffer.from(found[0]?.content ?? '').toString()).toBe('[1]');
  });

  test('rejects a manifest with other content', async () => {
    const { catalog, put } = await start();
    put(MISSING, 'other');
    await expect(collect(catalog.manifests(APP, [MISSING]))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

test('resolves a tag', async () => {
  const { catalog, put } = await start();
  const digest = put('v1', 'one');
  expect(await catalog.resolveTag(APP, 'v1')).toBe(digest);
  expect(await catalog.resolveTag(APP, 'v2')).toBeUndefined();
});

describe('delete', () => {
  test('deletes in order, and returns what remains with the reason', async () => {
    const { catalog, server, put } = await start();
    const [one, two] = [put('v1', 'one'), put('v2', 'two')];
    const blob = server.putManifest(APP, 'v3', 'application/octet-stream', Buffer.from('x'));
    expect(await catalog.delete(APP, [two, MISSING, blob, one])).toEqual([
      { digest: MISSING, code: 'NOT_FOUND', reason: expect.stringContaining('does not exist') },
      { digest: blob, code: 'MANIFEST_INVALID', reason: expect.stringContaining('application/octet-stream') },
    ]);
    expect(server.tags(APP)).toEqual(['v3']);
    const deleted = requestLines(server).filter((line) => line.startsWith('DELETE'));
    expect(deleted).toEqual([two, one].map((digest) => `DELETE /v2/${APP}/manifests/${digest} 202`));
  });

  test('asks once if the registry does not support deletion', async () => {
    const { catalog, server, put } = await start();
    const digests = ['v1', 'v2', 'v3'].map((tag) => put(tag, tag));
    const body = '{"errors":[{"code":"UNSUPPORTED","message":"deletion is disabled"}]}';
    const fault = server.inject({
      on: { method: 'DELETE' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 405, body },
    });
    const failures = await catalog.delete(APP, digests);
    expect(failures.map(({ code }) => code)).toEqual(['UNSUPPORTED', 'UNSUPPORTED', 'UNSUPPORTED']);
    expect(failures[2]?.reason).toContain('deletion is disabled');
    expect(fault.hits).toBe(1);
  });
});

import {
  digestOf,
  type ListedImage,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  type RegistryCatalog,
} from '@soci/oci';
import { collect, contentOf, makeManifest } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openEcrCatalog } from './ecr-catalog.ts';
import { startAwsApi } from './fixtures/aws-api.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-s3cret' };
const MISSING = `sha256:${'0'.repeat(64)}`;

let registry: TestRegistry;
let catalog: RegistryCatalog;
beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true });
  onTestFinished(() => registry.stop());
  catalog = open(registry.awsEndpoint);
});

function open(endpoint: string): RegistryCatalog {
  return openEcrCatalog({ registry: { account: '123456789012', region: 'us-east-1' }, credentials: KEYS, endpoint });
}

/** Stores an image manifest that differs by its annotation. */
function putImage(reference: string, name: string, fields: object = {}, pushedAt?: Date): string {
  const config = contentOf(MEDIA_TYPE_OCI_IMAGE_CONFIG, Buffer.from('{}'));
  const made = makeManifest(MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, [], { annotations: { name }, ...fields });
  return registry.putManifest('team/app', reference, made.descriptor.mediaType, made.bytes, pushedAt);
}

const list = async (): Promise<readonly ListedImage[]> => (await collect(catalog.images('team/app'))).flat();

describe('repositories', () => {
  test('lists the repositories of the account, from all pages', async () => {
    for (let i = 0; i < 1005; i++) registry.createRepository(`team/${String(i).padStart(4, '0')}`);
    const names = await collect(catalog.repositories());
    expect([names.length, names[0], names[1004]]).toEqual([1005, 'team/0000', 'team/1004']);
    expect(registry.requests).toHaveLength(2);
  });

  test('says which permission is missing', async () => {
    registry.inject({
      fault: { kind: 'status', status: 400, body: '{"__type":"AccessDeniedException","message":"no"}' },
    });
    await expect(collect(catalog.repositories())).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/ecr:DescribeRepositories.*allow it on \*/),
    });
  });

  test('rejects a list that repeats a page', async () => {
    const api = await startAwsApi();
    onTestFinished(() => api.stop());
    api.respondWith({ body: { repositories: [], nextToken: 'again' } });
    await expect(collect(open(api.endpoint).repositories())).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  });
});

describe('images', () => {
  test('lists tagged, untagged and archived images with what the API knows', async () => {
    const pushedAt = new Date('2024-05-06T07:08:09Z');
    const image = putImage('v1', 'image', {}, pushedAt);
    putImage('latest', 'image', {}, pushedAt);
    const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image, size: 1 };
    const referrer = putImage(digestOf(Buffer.from('x')), 'referrer', { subject });
    const archived = putImage('old', 'archived');
    registry.archive('team/app', 'old');
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [] }));
    const indexDigest = registry.putManifest('team/app', 'index', MEDIA_TYPE_OCI_IMAGE_INDEX, index);

    const manifest = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, artifactType: MEDIA_TYPE_OCI_IMAGE_CONFIG };
    const some = { size: expect.any(Number), pushedAt: expect.any(Number) };
    expect(await list()).toEqual([
      { ...manifest, digest: image, tags: ['latest', 'v1'], size: expect.any(Number), pushedAt: pushedAt.getTime() },
      { ...manifest, ...some, digest: referrer, tags: [], subject: image },
      { ...manifest, ...some, digest: archived, tags: ['old'], archived: true },
      { ...some, digest: indexDigest, tags: ['index'], mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX },
    ]);
  });

  test('lists 100,000 images in pages of 1,000', async () => {
    for (let i = 0; i < 100_000; i++) {
      const index = Buffer.from(`{"schemaVersion":2,"manifests":[],"annotations":{"i":"${i}"}}`);
      registry.putManifest('team/app', `v${i}`, MEDIA_TYPE_OCI_IMAGE_INDEX, index);
    }
    const tags = new Set<string>();
    let pages = 0;
    for await (const page of catalog.images('team/app')) {
      pages += 1;
      for (const image of page) for (const tag of image.tags) tags.add(tag);
    }
    expect([tags.size, pages, registry.requests.length]).toEqual([100_000, 100, 100]);
  });

  test('asks a service that does not know imageStatus without it', async () => {
    putImage('v1', 'image');
    const unknown = { __type: 'InvalidParameterException', message: "Invalid parameter at 'filter'" };
    registry.inject({ fault: { kind: 'status', status: 400, body: JSON.stringify(unknown) } });
    expect(await list()).toHaveLength(1);
    expect(await list()).toHaveLength(1);
    expect(registry.requests.map(({ status }) => status)).toEqual([400, 200, 200]);
  });

  test('tolerates a service that returns only digests', async () => {
    const api = await startAwsApi();
    onTestFinished(() => api.stop());
    const digest = digestOf(Buffer.from('x'));
    api.respondWith({ body: { imageDetails: [{ imageDigest: digest }, {}, { imageDigest: 'no digest' }] } });
    expect(await collect(open(api.endpoint).images('team/app'))).toEqual([[{ digest, tags: [] }]]);
  });

  test('reports a digest once, although two pages have it', async () => {
    const api = await startAwsApi();
    onTestFinished(() => api.stop());
    const imageDetails = [{ imageDigest: MISSING, imageTags: ['v1'] }];
    api.respondWith((call) => ({ body: { imageDetails, ...(call === 1 && { nextToken: 'second' }) } }));
    expect(await collect(open(api.endpoint).images('team/app'))).toEqual([[{ digest: MISSING, tags: ['v1'] }], []]);
  });

  test('fails for a repository that is missing, or that may not be read', async () => {
    await expect(list()).rejects.toMatchObject({ name: 'OciError', code: 'NOT_FOUND' });
    registry.denyAccess('team/app');
    await expect(list()).rejects.toMatchObject({
      name: 'RegistryError',
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/ecr:DescribeImages.*allow it on team\/app/),
    });
  });

  test.each([
    ['repeats a page', () => 'again', 'RESPONSE_INVALID', 2],
    ['never ends', (call: number) => `token ${call}`, 'LIMIT_EXCEEDED', 1000],
  ])('rejects a list that %s', async (_, nextToken, code, calls) => {
    const api = await startAwsApi();
    onTestFinished(() => api.stop());
    api.respondWith((call) => ({ body: { imageDetails: [], nextToken: nextToken(call) } }));
    await expect(collect(open(api.endpoint).images('team/app'))).rejects.toMatchObject({ code });
    expect(api.calls).toHaveLength(calls);
  });

  test('stops when the caller aborts', async () => {
    putImage('v1', 'image');
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(collect(catalog.images('team/app', { signal }))).rejects.toThrow('stopped');
    expect(registry.requests).toHaveLength(0);
  });
});

describe('manifests', () => {
  test('reads manifests 100 at a time, without those that are missing or archived', async () => {
    const digests = Array.from({ length: 150 }, (_, i) => putImage(`v${i}`, `${i}`));
    registry.archive('team/app', 'v7');
    const found = await collect(catalog.manifests('team/app', [MISSING, ...digests]));
    expect(found.map(({ digest }) => digest)).toEqual(digests.filter((_, i) => i !== 7));
    expect(digestOf(found[3]?.content ?? Buffer.of())).toBe(digests[3]);
    expect(found[3]?.mediaType).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
    expect(registry.requests).toHaveLength(2);
  });

  test('rejects a manifest with other content', async () => {
    registry.putManifest('team/app', MISSING, MEDIA_TYPE_OCI_IMAGE_INDEX, Buffer.from('{}'));
    await expect(collect(catalog.manifests('team/app', [MISSING]))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('fails if a manifest exists and cannot be read', async () => {
    const api = await startAwsApi();
    onTestFinished(() => api.stop());
    const failure = {
      imageId: { imageDigest: MISSING },
      failureCode: 'KmsError',
      failureReason: 'the key is disabled',
    };
    api.respondWith({ body: { images: [], failures: [failure] } });
    await expect(collect(open(api.endpoint).manifests('team/app', [MISSING]))).rejects.toMatchObject({
      code: 'SERVER_FAILED',
      message: expect.stringContaining('KmsError: the key is disabled'),
    });
  });
});

describe('resolveTag', () => {
  test('returns what a tag refers to, also if it is archived', async () => {
    const [one, two] = [putImage('v1', 'one'), putImage('v2', 'two')];
    registry.archive('team/app', 'v2');
    expect(await catalog.resolveTag('team/app', 'v1')).toBe(one);
    expect(await catalog.resolveTag('team/app', 'v2')).toBe(two);
    expect(await catalog.resolveTag('team/app', 'v3')).toBeUndefined();
  });
});

describe('delete', () => {
  test('deletes by digest, and returns what remains with the reason', async () => {
    const [one, child] = [putImage('v1', 'one'), putImage('v2', 'child')];
    const entry = registry.manifest('team/app', 'v2');
    const manifests = [{ mediaType: entry?.mediaType, digest: child, size: entry?.bytes.length }];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
    const root = registry.putManifest('team/app', 'index', MEDIA_TYPE_OCI_IMAGE_INDEX, index);
    expect(await catalog.delete('team/app', [one, child, MISSING])).toEqual([
      { digest: child, code: 'ImageReferencedByManifestList', reason: expect.any(String) },
      { digest: MISSING, code: 'ImageNotFound', reason: expect.any(String) },
    ]);
    expect(await catalog.delete('team/app', [root, child])).toEqual([]);
    expect(registry.tags('team/app')).toEqual([]);
  });
});

// Causes that the registry shows, besides the six of six-situations.test.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, HOSTILE_TEXTS, makeImage, makeIndex, unprintableIn } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it, vi } from 'vitest';
import {
  largeLayer,
  multiPlatformImage,
  putInto,
  readManifest,
  runDoctor,
  runWell,
  type StoredManifest,
  usualImage,
  zstdImage,
} from '../fixtures/doctor-images.ts';
import { useForwardProxies } from '../fixtures/forward-proxy.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const startProxy = useForwardProxies();
const folder = temporaryFolder();

/** A registry with an image and its SOCI-enabled version. */
async function startIndexed(options: readonly string[] = []) {
  const registry = await start();
  await putInto(registry, 'prod/app', 'v1', usualImage());
  const [name, indexed] = [`${registry.host}/prod/app:v1`, `${registry.host}/prod/app:v1-soci`];
  await runWell('convert', '-q', '--jobs', '1', ...options, name, indexed);
  return { registry, name, indexed };
}

/** Stores a changed copy of a manifest. Returns its digest. */
function putChanged(registry: TestRegistry, tag: string | undefined, document: StoredManifest): string {
  const { descriptor, bytes } = contentOf(document.mediaType, document);
  registry.putManifest('prod/app', tag ?? descriptor.digest, document.mediaType, bytes);
  return descriptor.digest;
}

/** Replaces the image manifest and the SOCI index of `v1-soci` by changed ones that match each other. */
function rewriteIndexed(
  registry: TestRegistry,
  change: (soci: StoredManifest) => StoredManifest,
  tag = 'v1-soci',
): void {
  const root = readManifest(registry, 'prod/app', tag);
  const [image, soci] = root.manifests as [StoredManifest['manifests'][number], StoredManifest['manifests'][number]];
  const changed = change(readManifest(registry, 'prod/app', soci.digest));
  const sociDigest = putChanged(registry, undefined, changed);
  const manifest = readManifest(registry, 'prod/app', image.digest);
  const named = { ...manifest, annotations: { 'com.amazon.soci.index-digest': sociDigest } };
  const imageDigest = putChanged(registry, undefined, named);
  const size = (document: object) => Buffer.from(JSON.stringify(document)).length;
  putChanged(registry, tag, {
    ...root,
    manifests: [
      { ...image, digest: imageDigest, size: size(named) },
      {
        ...soci,
        digest: sociDigest,
        size: size(changed),
        annotations: { 'com.amazon.soci.image-manifest-digest': imageDigest },
      },
    ],
  });
}

describe('causes in the registry', () => {
  it('original-image: the tag moved to an image that was not indexed', async () => {
    const { registry, name, indexed } = await startIndexed();
    await putInto(registry, 'prod/app', 'v1', makeImage([largeLayer('other')]));
    const { code, cause, first } = await runDoctor([name]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'original-image' });
    expect(first?.answer).toContain(`${indexed} belongs to an older or different one`);
  });

  it('pinned-digest: a digest of the original image', async () => {
    const { registry } = await startIndexed();
    const { code, cause } = await runDoctor([
      `${registry.host}/prod/app@${registry.manifest('prod/app', 'v1')?.digest}`,
    ]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'pinned-digest' });
    const digest = registry.manifest('prod/app', 'v1-soci')?.digest;
    expect(await runDoctor([`${registry.host}/prod/app@${digest}`])).toMatchObject({ code: 0, cause: null });
  });

  it('index-content-missing: the image was copied alone, so that its index is built from itself', async () => {
    const { registry, indexed } = await startIndexed();
    const copy = indexed.replace('/prod/app', '/prod/copy');
    const { manifests } = readManifest(registry, 'prod/app', 'v1-soci');
    const image = manifests[0]?.digest ?? '';
    await putInto(registry, 'prod/copy', 'v2', usualImage());
    const { mediaType = '', bytes = new Uint8Array() } = registry.manifest('prod/app', image) ?? {};
    registry.putManifest('prod/copy', 'v1-soci', mediaType, bytes);
    const { cause, first } = await runDoctor([copy]);
    expect(cause).toBe('index-content-missing');
    const [, command = ''] = /again: soci-index (.*)$/.exec(first?.remedy[0] ?? '') ?? [];
    expect(command).toBe(`convert --force --overwrite-source ${copy} ${copy}`);
    await runWell(...command.split(' '));
    expect(await runDoctor([copy])).toMatchObject({ code: 0, cause: null });
  });

  it('index-content-missing: the original image has the tag that --output-tag says', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const [name, indexed] = [`${registry.host}/prod/app:v1`, `${registry.host}/prod/app:lazy-v1`];
    await runWell('convert', '-q', '--jobs', '1', name, indexed);
    rewriteIndexed(registry, (soci) => ({ ...soci, layers: [] }), 'lazy-v1');
    const soci = readManifest(registry, 'prod/app', 'lazy-v1').manifests[1]?.digest;
    await fetch(`${registry.url}/v2/prod/app/manifests/${soci}`, { method: 'DELETE' });
    const { first } = await runDoctor(['--output-tag', 'lazy-{tag}', indexed]);
    expect(first?.remedy[0]).toContain(`convert --force ${name} ${indexed}`);
  });

  it('not-indexed: no index, with the reason in the log of the generator', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const name = `${registry.host}/prod/app:v1`;
    const alone = await runDoctor([name]);
    expect(alone).toMatchObject({ code: 4, cause: 'not-indexed' });
    expect(alone.first?.remedy[0]).toBe(`Index it: soci-index convert ${name} ${name}-soci`);
    const log = join(folder, 'generator.log');
    const line = {
      level: 'INFO',
      message: 'Skipped (layers-too-small): all are',
      repository: 'prod/app',
      tag: 'v1',
      outcome: 'skipped',
    };
    const lines = [
      { ...line, tag: 'v2', reason: 'gone' },
      { ...line, digest: registry.manifest('prod/app', 'v1')?.digest, reason: 'layers-too-small' },
    ];
    writeFileSync(log, lines.map((each) => `2026-11-29T18:00:00Z\t${JSON.stringify(each)}\n`).join(''));
    const { cause, first } = await runDoctor(['--log', log, name]);
    expect(cause).toBe('not-indexed');
    expect(first?.answer).toContain('a function logged why: skipped (layers-too-small)');
    expect(first?.read.join('\n')).toContain('line 2: Skipped (layers-too-small): all are');
  });

  it('several-v1-indexes', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const name = `${registry.host}/prod/app:v1`;
    await runWell('create', '-q', name);
    await runWell('create', '-q', '--span-size', '1MiB', '--force', name);
    const { code, findings } = await runDoctor([name]);
    expect({ code, causes: findings.map(({ cause }) => cause) }).toMatchObject({
      code: 4,
      causes: ['v1-only', 'several-v1-indexes', 'small-layers'],
    });
  });

  it('annotation-dropped: a tool rewrote the image manifest', async () => {
    const { registry, indexed } = await startIndexed();
    const root = readManifest(registry, 'prod/app', 'v1-soci');
    const [image, soci] = root.manifests as [StoredManifest['manifests'][number], StoredManifest['manifests'][number]];
    const { annotations: _, ...bare } = readManifest(registry, 'prod/app', image.digest);
    const digest = putChanged(registry, undefined, bare);
    const size = Buffer.from(JSON.stringify(bare)).length;
    const { annotations: __, ...entry } = image;
    putChanged(registry, 'v1-soci', {
      ...root,
      manifests: [
        { ...entry, digest, size },
        { ...soci, annotations: { 'com.amazon.soci.image-manifest-digest': digest } },
      ],
    });
    expect(await runDoctor([indexed])).toMatchObject({ code: 4, cause: 'annotation-dropped' });
  });

  it('index-mismatch: the index is that of other layers', async () => {
    const { registry, indexed } = await startIndexed();
    const other = `sha256:${'a'.repeat(64)}`;
    rewriteIndexed(registry, (soci) => ({
      ...soci,
      layers: soci.layers.map((layer) => ({
        ...layer,
        annotations: { ...layer.annotations, 'com.amazon.soci.image-layer-digest': other },
      })),
    }));
    expect(await runDoctor([indexed])).toMatchObject({ code: 4, cause: 'index-mismatch' });
  });

  it('lazy-but-slow: the spans are large', async () => {
    const { indexed } = await startIndexed(['--span-size', '64MiB']);
    const { code, cause, findings } = await runDoctor([indexed]);
    expect({ code, cause }).toEqual({ code: 0, cause: null });
    expect(findings.map((finding) => finding.cause)).toContain('lazy-but-slow');
  });

  it('blobs-unreadable: layers cannot be read', async () => {
    const { registry, indexed } = await startIndexed();
    const on = { method: 'GET', path: /\/blobs\// };
    registry.inject({ on, times: Number.POSITIVE_INFINITY, fault: { kind: 'status', status: 403 } });
    expect(await runDoctor([indexed])).toMatchObject({ code: 4, cause: 'blobs-unreadable' });
  });

  it('unsupported-compression: zstd under a media type of gzip', async () => {
    const registry = await start();
    const { bytes } = contentOf('', Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.alloc(11 << 20)]));
    await putInto(
      registry,
      'prod/app',
      'v1',
      makeImage([contentOf('application/vnd.oci.image.layer.v1.tar+gzip', bytes)]),
    );
    const { code, cause, first } = await runDoctor([`${registry.host}/prod/app:v1`]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'unsupported-compression' });
    expect(first?.read.join('\n')).toContain('1 layer with a media type of gzip starts with the magic number of zstd');
  });

  it('platform-not-indexed: the image has no such platform at all', async () => {
    const { indexed } = await startIndexed();
    const { code, cause, first } = await runDoctor(['--platform', 'linux/arm64', indexed]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'platform-not-indexed' });
    expect(first?.answer).toBe(`${indexed} has no image for linux/arm64. It has linux/amd64.`);
  });

  it('referrers-unusable: the registry rejects requests for referrers', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const on = { path: /\/referrers\// };
    registry.inject({ on, times: Number.POSITIVE_INFINITY, fault: { kind: 'html' } });
    const fallback = { path: /\/manifests\/sha256-/ };
    registry.inject({ on: fallback, times: Number.POSITIVE_INFINITY, fault: { kind: 'status', status: 403 } });
    const { code, cause, findings } = await runDoctor([`${registry.host}/prod/app:v1`]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'not-indexed' });
    expect(findings.map((finding) => finding.cause)).toContain('referrers-unusable');
  });

  it('index-deleted: the SOCI-enabled tag does not exist, but its image does', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const { code, cause, first } = await runDoctor([`${registry.host}/prod/app:v1-soci`]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'index-deleted' });
    expect(first?.remedy[0]).toContain(
      `soci-index convert --force ${registry.host}/prod/app:v1 ${registry.host}/prod/app:v1-soci`,
    );
  });

  it('fails if nothing has the name', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', zstdImage());
    for (const tag of ['v2', 'v2-soci']) {
      const run = await runCli(['doctor', '--json', `${registry.host}/prod/app:${tag}`]);
      expect(run).toMatchObject({ code: 1, stdout: expect.stringContaining('"NOT_FOUND"') });
    }
  });

  it.each([
    ['registry-unsupported', 'fargate'],
    ['runtime-unsupported', 'lambda'],
    ['runtime-unsupported', 'eks-fargate'],
    ['runtime-unsupported', 'sagemaker-endpoint'],
  ])('%s: --runtime %s', async (expected, runtime) => {
    const { indexed } = await startIndexed();
    expect(await runDoctor(['--runtime', runtime, indexed])).toMatchObject({ code: 4, cause: expected });
  });
});

const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

/** A registry that imitates Amazon ECR, under its host name. */
async function startEcr() {
  const registry = await start({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
  const proxy = await startProxy(registry.host);
  const aws = {
    AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'key',
  };
  for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
  return { registry, env: { ...aws, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } };
}

describe('causes in Amazon ECR', () => {
  it('image-archived', async () => {
    const { registry, env } = await startEcr();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    registry.archive('prod/app', 'v1');
    const { code, cause, first } = await runDoctor(['--plain-http', `${HOST}/prod/app:v1`], env);
    expect({ code, cause }).toEqual({ code: 4, cause: 'image-archived' });
    expect(first?.remedy[0]).toContain('aws ecr update-image-storage-class');
  });

  it('pinned-digest: finds the SOCI-enabled version by the tag of the digest', async () => {
    const { registry, env } = await startEcr();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const name = `${HOST}/prod/app@${registry.manifest('prod/app', 'v1')?.digest}`;
    expect(await runDoctor(['--plain-http', name], env)).toMatchObject({ code: 4, cause: 'not-indexed' });
    const [tagged, indexed] = [`${HOST}/prod/app:v1`, `${HOST}/prod/app:v1-soci`];
    expect(await runCli(['convert', '-q', '--plain-http', tagged, indexed], { env })).toMatchObject({ code: 0 });
    const { code, cause, first } = await runDoctor(['--plain-http', name], env);
    expect({ code, cause }).toEqual({ code: 4, cause: 'pinned-digest' });
    expect(first?.answer).toBe(`This digest has no SOCI index: it is that of the original image. Deploy ${indexed}.`);
  });

  it('index-deleted: the SOCI index is gone, and a lifecycle rule deletes untagged images', async () => {
    const { registry, env } = await startEcr();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const [name, indexed] = [`${HOST}/prod/app:v1`, `${HOST}/prod/app:v1-soci`];
    expect(await runCli(['convert', '-q', '--plain-http', name, indexed], { env })).toMatchObject({ code: 0 });
    const root = readManifest(registry, 'prod/app', 'v1-soci');
    const soci = root.manifests.find(({ artifactType }) => artifactType !== undefined);
    const selection = { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 1 };
    const lifecyclePolicyText = JSON.stringify({ rules: [{ rulePriority: 7, selection, action: { type: 'expire' } }] });
    const put = await fetch(registry.awsEndpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.PutLifecyclePolicy',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=00',
      },
      body: JSON.stringify({ repositoryName: 'prod/app', lifecyclePolicyText }),
    });
    expect(put.status).toBe(200);
    const headers = {
      authorization: `Basic ${Buffer.from(`AWS:${registry.credentials.password}`).toString('base64')}`,
    };
    const gone = await fetch(`${registry.url}/v2/prod/app/manifests/${soci?.digest}`, { method: 'DELETE', headers });
    expect(gone.status).toBe(202);
    const { code, cause, findings } = await runDoctor(['--plain-http', indexed], env);
    expect({ code, cause }).toEqual({ code: 4, cause: 'index-deleted' });
    expect(findings[0]?.read.join('\n')).toContain('lifecycle rule 7: deletes untagged images, sinceImagePushed 1');
    expect(findings.map((finding) => finding.cause)).toContain('index-content-missing');
  });

  it('makes at most 10 requests, plus one for each layer', async () => {
    const { registry, env } = await startEcr();
    const layers = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => largeLayer(name));
    await putInto(registry, 'prod/app', 'v1', makeImage(layers));
    await putInto(registry, 'prod/app', 'multi', multiPlatformImage());
    for (const tag of ['v1', 'multi']) {
      const convert = ['convert', '-q', '--plain-http', `${HOST}/prod/app:${tag}`, `${HOST}/prod/app:${tag}-soci`];
      for (const image of [tag, `${tag}-soci`]) {
        if (image !== tag) expect(await runCli(convert, { env })).toMatchObject({ code: 0 });
        registry.clearRequests();
        const { requests } = await runDoctor(['--plain-http', `${HOST}/prod/app:${image}`], env);
        const limit = 10 + (tag === 'v1' ? layers.length : 2);
        expect(registry.requests.length, image).toBeLessThanOrEqual(limit);
        expect(requests, image).toBe(registry.requests.length);
      }
    }
  });
});

it('makes at most 10 requests, plus one for each layer, with tokens and redirects', async () => {
  const user = { username: 'ann', password: 'secret' };
  const registry = await start({ auth: { bearer: { user, anonymousPull: true } }, redirects: true });
  await putInto(registry, 'prod/app', 'v1', makeImage([largeLayer('one'), largeLayer('two')]));
  const { requests } = await runDoctor([`${registry.host}/prod/app:v1`]);
  expect(registry.requests.length).toBeLessThanOrEqual(12);
  expect(requests).toBeGreaterThan(0);
});

it('makes one request for each layer of an image with many layers, and no more', async () => {
  const { registry, indexed } = await startIndexed(['--min-layer-size', '0']);
  rewriteIndexed(registry, (soci) => ({ ...soci, layers: Array(2000).fill(soci.layers[0]) }));
  registry.clearRequests();
  expect((await runDoctor([indexed])).requests).toBeLessThanOrEqual(12);
  expect(registry.requests.length).toBeLessThanOrEqual(12);
});

it('escapes what a registry says', async () => {
  const registry = await start();
  for (const text of HOSTILE_TEXTS) {
    const platform = { os: text, architecture: text };
    const layer = { ...largeLayer(), descriptor: { ...largeLayer().descriptor, annotations: { [text]: text } } };
    const index = makeIndex([
      { made: makeImage([layer], { platform }), fields: { platform, annotations: { [text]: text } } },
    ]);
    await putInto(registry, 'prod/app', 'v1', index);
    for (const mode of [[], ['--json'], ['--quiet'], ['--platform', 'linux/arm64']]) {
      const run = await runCli(['doctor', ...mode, `${registry.host}/prod/app:v1`]);
      expect([1, 3, 4]).toContain(run.code);
      expect(unprintableIn(run.stdout + run.stderr)).toEqual([]);
    }
  }
});

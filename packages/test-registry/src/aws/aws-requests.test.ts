import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  type DescribeImagesFilter,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetDownloadUrlForLayerCommand,
  ListImagesCommand,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { pushManifest, putIndex, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import type { TestRegistry } from '../test-registry.ts';

function connect({ awsEndpoint }: TestRegistry): ECRClient {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
  return new ECRClient({ endpoint: awsEndpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

test('GetAuthorizationToken returns a token for the OCI API that expires', async () => {
  const registry = await startForTest({ auth: 'ecr', tokenLifetime: 60_000 });
  const { authorizationData } = await connect(registry).send(new GetAuthorizationTokenCommand({}));
  const { authorizationToken, expiresAt, proxyEndpoint } = authorizationData?.[0] ?? {};
  expect(proxyEndpoint).toBe(registry.url);
  expect(expiresAt?.getTime()).toBeGreaterThan(Date.now() + 50_000);

  const request = () => fetch(`${proxyEndpoint}/v2/`, { headers: { authorization: `Basic ${authorizationToken}` } });
  expect((await request()).status).toBe(200);
  registry.expireTokens();
  const expired = await request();
  expect(expired.status).toBe(401);
  expect(expired.headers.get('www-authenticate')).toBe(`Basic realm="${registry.url}/",service="ecr.amazonaws.com"`);
});

test('GetAuthorizationToken returns a token per registry', async () => {
  const registry = await startForTest();
  const { authorizationData } = await connect(registry).send(
    new GetAuthorizationTokenCommand({ registryIds: ['111111111111', '222222222222'] }),
  );
  expect(authorizationData).toHaveLength(2);
});

test('DescribeImages describes an image that was pushed with the OCI API', async () => {
  const registry = await startForTest({ account: '111122223333' });
  const image = await seedImage(registry, 'team/app', 'v1');
  const { imageDetails } = await connect(registry).send(new DescribeImagesCommand({ repositoryName: 'team/app' }));
  expect(imageDetails).toEqual([
    {
      registryId: '111122223333',
      repositoryName: 'team/app',
      imageDigest: image.digest,
      imageTags: ['v1'],
      imageSizeInBytes: image.totalSize,
      imagePushedAt: expect.any(Date),
      imageManifestMediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
      imageStatus: 'ACTIVE',
      artifactMediaType: 'application/vnd.oci.image.config.v1+json',
    },
  ]);
});

test('an index has no artifact type', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  await putIndex(registry, 'app', 'all', [image]);
  const { imageDetails } = await connect(registry).send(
    new DescribeImagesCommand({ repositoryName: 'app', imageIds: [{ imageTag: 'all' }] }),
  );
  expect(imageDetails?.[0]).toMatchObject({ imageTags: ['all'], imageManifestMediaType: MEDIA_TYPE_OCI_IMAGE_INDEX });
  expect(imageDetails?.[0]).not.toHaveProperty('artifactMediaType');
});

test('an index has the size of its largest image', async () => {
  const registry = await startForTest();
  const images = [await seedImage(registry, 'app', 'a'), await seedImage(registry, 'app', 'b', 'a longer layer')];
  await putIndex(registry, 'app', 'all', images);
  const { imageDetails } = await connect(registry).send(
    new DescribeImagesCommand({ repositoryName: 'app', imageIds: [{ imageTag: 'all' }] }),
  );
  expect(imageDetails?.[0]?.imageSizeInBytes).toBe(images[1]?.totalSize);
});

test('hides archived images, unless the filter asks for them', async () => {
  const registry = await startForTest({ ecr: true });
  const [active, archived] = [await seedImage(registry, 'app', 'v2', 'b'), await seedImage(registry, 'app', 'v1')];
  registry.archive('app', 'v1');
  const client = connect(registry);
  const describe = async (filter?: DescribeImagesFilter) => {
    const { imageDetails } = await client.send(new DescribeImagesCommand({ repositoryName: 'app', filter }));
    return imageDetails?.map(({ imageTags, imageStatus }) => [imageTags?.[0], imageStatus]);
  };
  expect(await describe()).toEqual([['v2', 'ACTIVE']]);
  expect(await describe({ imageStatus: 'ARCHIVED' })).toEqual([['v1', 'ARCHIVED']]);
  expect(await describe({ imageStatus: 'ANY', tagStatus: 'TAGGED' })).toEqual([
    ['v2', 'ACTIVE'],
    ['v1', 'ARCHIVED'],
  ]);
  const imageIds = [{ imageTag: 'v1' }];
  const named = new DescribeImagesCommand({ repositoryName: 'app', imageIds });
  await expect(client.send(named)).rejects.toMatchObject({ name: 'ImageNotFoundException' });
  const { failures } = await client.send(new BatchGetImageCommand({ repositoryName: 'app', imageIds }));
  expect(failures?.[0]?.failureCode).toBe('ImageNotFound');
  expect((await fetch(`${registry.url}/v2/app/manifests/${archived.digest}`)).status).toBe(404);
  expect((await fetch(`${registry.url}/v2/app/manifests/${active.digest}`)).status).toBe(200);

  await pushManifest(registry, 'app', 'v1', archived.manifest);
  expect((await fetch(`${registry.url}/v2/app/manifests/v1`)).status).toBe(200);
});

test('denies access to a repository, but lists it', async () => {
  const registry = await startForTest({ ecr: true });
  await seedImage(registry, 'secret', 'v1');
  registry.denyAccess('secret');
  const client = connect(registry);
  await expect(client.send(new DescribeImagesCommand({ repositoryName: 'secret' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  expect((await fetch(`${registry.url}/v2/secret/manifests/v1`)).status).toBe(403);
  expect((await client.send(new DescribeRepositoriesCommand({}))).repositories).toHaveLength(1);
  const other = new DescribeRepositoriesCommand({ registryId: '999999999999' });
  await expect(client.send(other)).rejects.toMatchObject({ name: 'AccessDeniedException' });
});

test('ListImages lists images by tag in pages', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  await pushManifest(registry, 'app', 'v2', image.manifest);
  await seedImage(registry, 'app', undefined, 'other');
  const client = connect(registry);
  const first = await client.send(new ListImagesCommand({ repositoryName: 'app', maxResults: 2 }));
  expect(first.imageIds).toEqual([
    { imageDigest: image.digest, imageTag: 'v1' },
    { imageDigest: image.digest, imageTag: 'v2' },
  ]);
  const { nextToken } = first;
  const second = await client.send(new ListImagesCommand({ repositoryName: 'app', maxResults: 2, nextToken }));
  expect(second).toMatchObject({ imageIds: [{ imageDigest: expect.stringMatching(/^sha256:/) }] });
  expect(second.nextToken).toBeUndefined();
  const filter = { tagStatus: 'UNTAGGED' } as const;
  expect((await client.send(new ListImagesCommand({ repositoryName: 'app', filter }))).imageIds).toEqual(
    second.imageIds,
  );
});

test('BatchGetImage returns manifests unchanged, and reports missing ones', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const { images, failures } = await connect(registry).send(
    new BatchGetImageCommand({
      repositoryName: 'app',
      imageIds: [{ imageTag: 'v1' }, { imageTag: 'none' }, { imageTag: 'v1', imageDigest: `sha256:${'0'.repeat(64)}` }],
    }),
  );
  expect(images).toHaveLength(1);
  expect(images?.[0]).toMatchObject({
    imageId: { imageDigest: image.digest, imageTag: 'v1' },
    imageManifest: Buffer.from(image.manifest).toString(),
    imageManifestMediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  });
  expect(failures?.map(({ failureCode }) => failureCode)).toEqual(['ImageNotFound', 'ImageTagDoesNotMatchDigest']);
});

test('BatchDeleteImage deletes an image by digest, unless an index refers to it', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const index = await putIndex(registry, 'app', 'all', [image]);
  const remove = (imageDigest: string) =>
    connect(registry).send(new BatchDeleteImageCommand({ repositoryName: 'app', imageIds: [{ imageDigest }] }));
  expect((await remove(image.digest)).failures?.[0]?.failureCode).toBe('ImageReferencedByManifestList');
  expect((await remove(index)).imageIds).toEqual([{ imageDigest: index, imageTag: 'all' }]);
  expect((await remove(image.digest)).imageIds).toEqual([{ imageDigest: image.digest, imageTag: 'v1' }]);
  expect(registry.tags('app')).toEqual([]);
  expect(registry.events.slice(-2).map(({ detail }) => [detail['action-type'], detail['image-tag']])).toEqual([
    ['DELETE', 'all'],
    ['DELETE', 'v1'],
  ]);
});

test('creates and describes repositories', async () => {
  const registry = await startForTest({ ecr: true, region: 'eu-west-1' });
  const client = connect(registry);
  await client.send(new CreateRepositoryCommand({ repositoryName: 'b/c', imageTagMutability: 'IMMUTABLE' }));
  await client.send(new CreateRepositoryCommand({ repositoryName: 'a1' }));
  await expect(client.send(new CreateRepositoryCommand({ repositoryName: 'b/c' }))).rejects.toThrow(/already exists/);
  await expect(client.send(new CreateRepositoryCommand({ repositoryName: 'B' }))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  const { repositories } = await client.send(new DescribeRepositoriesCommand({}));
  expect(repositories?.map((each) => [each.repositoryName, each.repositoryUri, each.imageTagMutability])).toEqual([
    ['a1', `${registry.host}/a1`, 'MUTABLE'],
    ['b/c', `${registry.host}/b/c`, 'IMMUTABLE'],
  ]);
});

test('a missing repository is reported with an exception of the SDK', async () => {
  const registry = await startForTest();
  const describing = connect(registry).send(new DescribeImagesCommand({ repositoryName: 'none' }));
  await expect(describing).rejects.toBeInstanceOf(RepositoryNotFoundException);
});

test('finds layers, and returns download URLs of the storage', async () => {
  const registry = await startForTest();
  const layerDigest = await registry.putBlob('app', Buffer.from('layer'));
  const missing = `sha256:${'1'.repeat(64)}`;
  const client = connect(registry);
  const { layers } = await client.send(
    new BatchCheckLayerAvailabilityCommand({ repositoryName: 'app', layerDigests: [layerDigest, missing] }),
  );
  expect(layers).toEqual([
    { layerDigest, layerAvailability: 'AVAILABLE', layerSize: 5 },
    { layerDigest: missing, layerAvailability: 'UNAVAILABLE' },
  ]);
  const { downloadUrl } = await client.send(new GetDownloadUrlForLayerCommand({ repositoryName: 'app', layerDigest }));
  expect(await (await fetch(downloadUrl as string)).text()).toBe('layer');
});

test('rejects a call that is unsigned, unknown or not JSON', async () => {
  const registry = await startForTest();
  const authorization =
    'AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/ecr/aws4_request, SignedHeaders=host, Signature=0';
  const call = async (headers: Record<string, string>, body: string) => {
    const response = await fetch(registry.awsEndpoint, { method: 'POST', headers, body });
    return [response.status, ((await response.json()) as { __type: string }).__type];
  };
  const target = { 'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.ListImages' };
  expect(await call(target, '{}')).toEqual([400, 'MissingAuthenticationTokenException']);
  expect(await call({ ...target, authorization: 'Basic AAAA' }, '{}')).toEqual([400, 'IncompleteSignatureException']);
  expect(await call({ authorization }, '{}')).toEqual([400, 'UnknownOperationException']);
  expect(await call({ ...target, authorization }, '<xml/>')).toEqual([400, 'SerializationException']);
  expect(await call({ ...target, authorization }, '{}')).toEqual([400, 'InvalidParameterException']);
});

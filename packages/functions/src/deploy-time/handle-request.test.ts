import { AMD64, ARM64, makeBuildKitAttestation, makeImage, makeIndex, makeLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { makeTwoLayers, startDeployment } from './fixtures/deployment.ts';

describe('a stack', () => {
  it('that is created has an index and the digest to deploy', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [response] = await deployment.deploy({ image: 'v1' });
    const root = deployment.registry.manifest('app', 'v1-soci')?.digest;
    expect(response).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: `app:v1-soci@${root}`,
      Data: { imageDigest: root, outputTag: 'v1-soci', outcome: 'indexed', reason: '' },
    });
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.lines.join()).not.toContain('signature=secret');
  });

  it('that is created again finds its index', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v1' });
    expect(second).toMatchObject({
      PhysicalResourceId: first?.PhysicalResourceId,
      Data: { imageDigest: first?.Data?.imageDigest, outcome: 'skipped', reason: 'already-indexed' },
    });
  });

  it('that is updated to another image indexes it and deletes the old index', async () => {
    const deployment = await startDeployment();
    const originals = [
      await deployment.push('v1', makeTwoLayers('one')),
      await deployment.push('v2', makeTwoLayers('two')),
    ];
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second, deletion] = await deployment.deploy({ image: 'v2' });
    expect(second?.PhysicalResourceId).not.toBe(first?.PhysicalResourceId);
    expect(deletion?.Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v2', 'v2-soci']);
    expect(deployment.registry.checkGraph('app', 'v2-soci')).toEqual([]);
    // The original images, and the root, manifest and SOCI index of the second image.
    expect(deployment.digests()).toHaveLength(originals.length + 3);
  });

  it('that is updated to other settings moves the tag to the new index', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', spanSize: '4096' });
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.digests()).toHaveLength(4);
  });

  it('that is updated to another output tag keeps the new tag', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', outputTag: 'lazy-{tag}' });
    expect(deployment.registry.tags('app')).toEqual(['lazy-v1', 'v1']);
    expect(deployment.registry.checkGraph('app', 'lazy-v1')).toEqual([]);
  });

  it('that is deleted keeps the original image', async () => {
    const deployment = await startDeployment();
    const platforms = [AMD64, ARM64].map((platform) => ({
      made: makeImage([makeLayer('shared'), makeLayer(platform.architecture)], { platform }),
      fields: { platform },
    }));
    await deployment.push('v1', makeIndex(platforms));
    await deployment.deploy({ image: 'v1' });
    expect(deployment.digests()).toHaveLength(3 + 5);
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    expect(deployment.registry.checkGraph('app', 'v1')).toEqual([]);
    expect(deployment.digests()).toHaveLength(3);
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
  });

  it('that is deleted keeps an index with another tag', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    const found = deployment.registry.manifest('app', 'v1-soci');
    deployment.registry.putManifest('app', 'stable', found?.mediaType ?? '', found?.bytes ?? Buffer.of());
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.tags('app')).toEqual(['stable', 'v1']);
    expect(deployment.registry.checkGraph('app', 'stable')).toEqual([]);
  });

  it('that is deleted keeps manifests that the original image lists or that have a tag', async () => {
    const deployment = await startDeployment();
    const platform = makeImage([makeLayer('app')]);
    const attestation = makeBuildKitAttestation();
    const fields = {
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': platform.descriptor.digest,
      },
    };
    const entries = [
      { made: platform, fields: { platform: AMD64 } },
      { made: attestation, fields },
    ];
    await deployment.push('v1', makeIndex(entries));
    await deployment.deploy({ image: 'v1' });
    const { registry } = deployment;
    const root = JSON.parse(Buffer.from(registry.manifest('app', 'v1-soci')?.bytes ?? []).toString());
    const digests: string[] = root.manifests.map(({ digest }: { digest: string }) => digest);
    expect(digests).toContain(attestation.descriptor.digest);
    const [converted = ''] = digests;
    const found = registry.manifest('app', converted);
    registry.putManifest('app', 'amd64', found?.mediaType ?? '', found?.bytes ?? Buffer.of());
    await deployment.destroy();
    expect(registry.tags('app')).toEqual(['amd64', 'v1']);
    expect(registry.checkGraph('app', 'v1')).toEqual([]);
    expect(digests.map((digest) => registry.manifest('app', digest) !== undefined)).toEqual(
      digests.map((digest) => digest === converted || digest === attestation.descriptor.digest),
    );
  });

  it('that is deleted keeps its index with `removeIndex` false', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1', removeIndex: 'false' });
    deployment.registry.clearRequests();
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.requests).toEqual([]);
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('is deleted if the repository no longer exists', async () => {
    const deployment = await startDeployment();
    const id = `other:v1-soci@sha256:${'0'.repeat(64)}`;
    const ResourceProperties = { repositoryName: 'other', image: 'v1' };
    expect(
      await deployment.request({ RequestType: 'Delete', PhysicalResourceId: id, ResourceProperties }),
    ).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: id,
    });
  });

  it('is deleted after its creation failed', async () => {
    const deployment = await startDeployment();
    const failed = await deployment.request({ ResourceProperties: { image: '!' } });
    expect(failed).toMatchObject({ Status: 'FAILED' });
    const { PhysicalResourceId } = failed;
    const request = { RequestType: 'Delete', PhysicalResourceId, ResourceProperties: { image: '!' } } as const;
    expect(await deployment.request(request)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  });

  it.each([
    ['image', makeTwoLayers()],
    ['multi-platform image', makeIndex([{ made: makeTwoLayers(), fields: { platform: AMD64 } }])],
  ])('never deletes a plain %s', async (_, made) => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', made);
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const PhysicalResourceId = `app:v1@${digest}`;
    const response = await deployment.request({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties });
    expect(response.Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    expect(deployment.registry.checkGraph('app', 'v1')).toEqual([]);
  });
});

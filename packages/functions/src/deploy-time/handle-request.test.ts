import { AMD64, ARM64, makeBuildKitAttestation, makeImage, makeIndex, makeLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { makeTwoLayers, startDeployment } from './fixtures/deployment.ts';

describe('a stack', () => {
  it('that is created has an index, and what to deploy', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [answer] = await deployment.deploy({ image: 'v1' });
    const root = deployment.registry.manifest('app', 'v1-soci')?.digest;
    expect(answer).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: `app:v1-soci@${root}`,
      Data: { imageDigest: root, outputTag: 'v1-soci', outcome: 'indexed', reason: '' },
    });
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.lines.join()).not.toContain('signature=secret');
  });

  it('that is created once more finds its index', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v1' });
    expect(second).toMatchObject({
      PhysicalResourceId: first?.PhysicalResourceId,
      Data: { imageDigest: first?.Data?.imageDigest, outcome: 'skipped', reason: 'already-indexed' },
    });
  });

  it('that is updated to another image has that indexed, and the index before deleted', async () => {
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
    // The originals, and of the second image the root, its manifest and its SOCI index.
    expect(deployment.digests()).toHaveLength(originals.length + 3);
  });

  it('that is updated to other settings gives the tag to the new index', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', spanSize: '4096' });
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.digests()).toHaveLength(4);
  });

  it('that is updated to another tag for its index keeps that', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', outputTag: 'lazy-{tag}' });
    expect(deployment.registry.tags('app')).toEqual(['lazy-v1', 'v1']);
    expect(deployment.registry.checkGraph('app', 'lazy-v1')).toEqual([]);
  });

  it('that is deleted leaves the image as it was', async () => {
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

  it('that is deleted leaves an index that somebody has given another tag', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    const found = deployment.registry.manifest('app', 'v1-soci');
    deployment.registry.putManifest('app', 'stable', found?.mediaType ?? '', found?.bytes ?? Buffer.of());
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.tags('app')).toEqual(['stable', 'v1']);
    expect(deployment.registry.checkGraph('app', 'stable')).toEqual([]);
  });

  it('that is deleted leaves what the image itself lists, and what has a tag of its own', async () => {
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

  it('that is deleted leaves its index with `removeIndex` false', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1', removeIndex: 'false' });
    deployment.registry.clearRequests();
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.requests).toEqual([]);
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('is deleted where the repository is not there any more', async () => {
    const deployment = await startDeployment();
    const id = `other:v1-soci@sha256:${'0'.repeat(64)}`;
    const ResourceProperties = { repositoryName: 'other', image: 'v1' };
    expect(await deployment.ask({ RequestType: 'Delete', PhysicalResourceId: id, ResourceProperties })).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: id,
    });
  });

  it('is deleted where its creation failed, whatever the reason', async () => {
    const deployment = await startDeployment();
    const failed = await deployment.ask({ ResourceProperties: { image: '!' } });
    expect(failed).toMatchObject({ Status: 'FAILED' });
    const { PhysicalResourceId } = failed;
    const request = { RequestType: 'Delete', PhysicalResourceId, ResourceProperties: { image: '!' } } as const;
    expect(await deployment.ask(request)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  });

  it.each([
    ['image', makeTwoLayers()],
    ['image of several platforms', makeIndex([{ made: makeTwoLayers(), fields: { platform: AMD64 } }])],
  ])('never deletes an %s that is not SOCI-enabled', async (_, made) => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', made);
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const PhysicalResourceId = `app:v1@${digest}`;
    const answer = await deployment.ask({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties });
    expect(answer.Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    expect(deployment.registry.checkGraph('app', 'v1')).toEqual([]);
  });
});

import { MEDIA_TYPE_SOCI_INDEX_V1 } from '@soci/index';
import { makeBrokenLayer, makeImage, makeLayer, makeLayeredImage, makeZstdTextLayer } from '@soci/test-content';
import { describe, expect, it, vi } from 'vitest';
import { storeProfile } from '../fixtures/stored-profiles.ts';
import { makeTwoLayers, startDeployment } from './fixtures/deployment.ts';

describe('an image', () => {
  it('with nothing to index is deployed unchanged and kept', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeImage([makeLayer('tiny', 100)]));
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([
      {
        Status: 'SUCCESS',
        Data: { imageDigest: digest, outcome: 'skipped', reason: 'layers-too-small', outputTag: '' },
      },
    ]);
    expect((await deployment.destroy()).Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1']);
  });

  it('that is already SOCI-enabled is deployed unchanged and kept', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1', removeIndex: 'false' });
    const digest = deployment.registry.manifest('app', 'v1-soci')?.digest;
    const other = { repositoryName: 'app', image: 'v1-soci', minLayerSize: '1000' };
    const response = await deployment.request({ ResourceProperties: other });
    expect(response).toMatchObject({ Status: 'SUCCESS', Data: { imageDigest: digest, reason: 'soci-enabled' } });
    const { PhysicalResourceId } = response;
    await deployment.request({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties: other });
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('can be given by its digest, which its index tag contains', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push(undefined, makeTwoLayers());
    const tag = `soci-${digest.slice(7, 19)}`;
    expect(await deployment.deploy({ image: digest })).toMatchObject([
      { Data: { outputTag: tag, outcome: 'indexed' } },
    ]);
    await deployment.destroy();
    expect(deployment.digests()).toEqual([digest]);
  });

  it('can have an untagged index', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeTwoLayers());
    const [response] = await deployment.deploy({ image: 'v1', outputTag: 'none' });
    expect(deployment.registry.checkGraph('app', response?.Data?.imageDigest ?? '')).toEqual([]);
    await deployment.destroy();
    expect(deployment.digests()).toEqual([digest]);
  });

  it('of zstd layers is recompressed only with recompress', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeLayeredImage([makeZstdTextLayer('app')]));
    const [kept] = await deployment.deploy({ image: 'v1' });
    expect(kept).toMatchObject({ Data: { imageDigest: digest, reason: 'layers-not-supported' } });
    const [indexed] = await deployment.deploy({ image: 'v1', recompress: 'zstd' });
    expect(indexed).toMatchObject({ Data: { outcome: 'indexed', outputTag: 'v1-soci' } });
    expect(deployment.registry.checkGraph('app', indexed?.Data?.imageDigest ?? '')).toEqual([]);
    await deployment.destroy();
    expect(deployment.digests()).toEqual([digest]);
    expect((await deployment.deploy({ image: 'v1', recompress: 'zstd', indexVersion: 'V1' })).at(-1)).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('needs soci_index_version V2'),
    });
  });

  it('follows the stored profile with useStoredProfile', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeTwoLayers());
    const { manifest } = await storeProfile(deployment.registry, '/app');
    const stored = [manifest.digest, deployment.registry.manifest('app', 'soci-profile')?.digest];
    const [first] = await deployment.deploy({ image: 'v1', useStoredProfile: 'true' });
    expect(first).toMatchObject({ Data: { outcome: 'indexed', outputTag: 'v1-soci' } });
    await deployment.destroy();
    expect(deployment.digests().sort()).toEqual([digest, ...stored].sort());
    // The index is created in the background, and found again with the profile.
    await deployment.deploy({ image: 'v1', useStoredProfile: 'true', wait: 'false' });
    await deployment.runBackground();
    expect(deployment.registry.tags('app')).toContain('v1-soci');
    await deployment.destroy();
    expect(deployment.digests().sort()).toEqual([digest, ...stored].sort());
  });

  it('with version 1 is kept, and its SOCI indexes are created and deleted', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeTwoLayers());
    const [response] = await deployment.deploy({ image: 'v1', indexVersion: 'V1' });
    expect(response).toMatchObject({ Data: { imageDigest: digest, outputTag: '', outcome: 'indexed' } });
    expect(deployment.digests()).toHaveLength(2);
    await deployment.deploy({ image: 'v1', indexVersion: 'V1', spanSize: '4096' });
    const left = deployment.digests();
    expect(left).toHaveLength(2);
    const index = deployment.registry.manifest('app', left.find((each) => each !== digest) ?? '');
    expect(Buffer.from(index?.bytes ?? []).toString()).toContain(MEDIA_TYPE_SOCI_INDEX_V1);
    await deployment.destroy();
    expect(deployment.digests()).toEqual([digest]);
  });

  it('is resolved again if its tag moves during indexing', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers('first'));
    // The first response from storage is the config.
    const fault = { kind: 'slow', rate: 10_000 } as const;
    const slow = deployment.registry.inject({ on: { port: 'storage' }, after: 1, fault });
    const deploying = deployment.deploy({ image: 'v1' });
    await vi.waitUntil(() => slow.hits > 0, { timeout: 60_000 });
    await deployment.push('v1', makeTwoLayers('second'));
    expect(await deploying).toMatchObject([{ Status: 'SUCCESS', Data: { outcome: 'indexed' } }]);
    expect((await deployment.deploy({ image: 'v1' }))[0]).toMatchObject({ Data: { reason: 'already-indexed' } });
  });
});

describe('a deployment that does not wait', () => {
  it('gets the original image; the index is created in the background and deleted with the stack', async () => {
    const deployment = await startDeployment();
    const digest = await deployment.push('v1', makeTwoLayers());
    expect(await deployment.deploy({ image: 'v1', wait: 'false' })).toMatchObject([
      { Status: 'SUCCESS', Data: { imageDigest: digest, outputTag: 'v1-soci', outcome: 'started' } },
    ]);
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    await deployment.runBackground();
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect((await deployment.destroy()).Status).toBe('SUCCESS');
    expect(deployment.digests()).toEqual([digest]);
  });

  it('fails if the image does not exist', async () => {
    const deployment = await startDeployment();
    expect(await deployment.deploy({ image: 'v1', wait: 'false' })).toMatchObject([{ Status: 'FAILED' }]);
    expect(deployment.background).toEqual([]);
  });

  it('logs errors of the background invocation', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeImage([makeBrokenLayer('broken')]));
    await deployment.deploy({ image: 'v1', wait: 'false' });
    await deployment.runBackground();
    expect(deployment.lines.join('\n')).toContain('cannot create a SOCI index for app:v1 (image-invalid)');
    expect((await deployment.destroy()).Status).toBe('SUCCESS');
  });
});

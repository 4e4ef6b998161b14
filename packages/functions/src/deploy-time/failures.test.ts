import { makeBrokenLayer, makeHelmChart, makeImage } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { makeTwoLayers, startDeployment } from './fixtures/deployment.ts';

describe('a failure', () => {
  it.each([
    ['no tag', { image: '' }, 'image: "" is neither a tag nor a digest'],
    ['a missing image', { image: 'v2' }, 'app:v2 does not exist: push it before you deploy the stack'],
    ['an invalid size', { image: 'v1', spanSize: '-1' }, 'soci_span_size is "-1"'],
    [
      'an output tag with {tag} for a digest',
      { image: `sha256:${'0'.repeat(64)}`, outputTag: '{tag}-x' },
      'use {digest12}',
    ],
    ['a Helm chart', { image: 'chart' }, 'cannot create a SOCI index for app:chart (not-an-image)'],
    ['a corrupt layer', { image: 'broken' }, 'cannot create a SOCI index for app:broken (image-invalid)'],
  ])('because of %s is reported', async (_, properties, reason) => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.push('chart', makeHelmChart());
    await deployment.push('broken', makeImage([makeBrokenLayer('broken')]));
    const [response] = await deployment.deploy(properties);
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) });
  });

  it('of an update keeps the physical id', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v2' });
    expect(second).toMatchObject({ Status: 'FAILED', PhysicalResourceId: first?.PhysicalResourceId });
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('that is temporary is retried', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    // One more than the number of attempts of the registry client.
    deployment.registry.inject({
      on: { port: 'registry' },
      times: 7,
      fault: { kind: 'status', status: 503, retryAfter: 0 },
    });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'SUCCESS' }]);
    expect(deployment.lines.join('\n')).toContain('temporary error, trying again');
  });

  it('because of denied access is retried a few times and then reported', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const denied = { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: 2, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'SUCCESS' }]);
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'FAILED' }]);
  });

  it('of a deletion is reported', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.deploy({ image: 'v1' });
    deployment.registry.inject({
      on: { port: 'aws' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 400, body: '{"__type":"AccessDeniedException","message":"no"}' },
    });
    expect(await deployment.destroy()).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('AWS denies ecr:ListImages'),
    });
  });

  it('because of the timeout is reported before the timeout', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const slow = { kind: 'slow', rate: 100 } as const;
    deployment.registry.inject({ on: { port: 'storage' }, times: Number.POSITIVE_INFINITY, fault: slow });
    const before = performance.now();
    // Half of it is left for the report.
    const [response] = await deployment.deploy({ image: 'v1' }, 8000);
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('about to time out: reading layers'),
    });
    expect(performance.now() - before).toBeLessThan(8000);
    expect(deployment.registry.tags('app')).toEqual(['v1']);
  });

  it('while the registry is unavailable reports the last error', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const outage = { kind: 'status', status: 501 } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: outage });
    const [response] = await deployment.deploy({ image: 'v1' }, 2000);
    expect(response).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('about to time out after several attempts'),
    });
  });

  it('is reported in time even if an operation hangs and ignores the signal', async () => {
    const deployment = await startDeployment();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const resolve = () => new Promise<never>(() => {});
    const response = await deployment.request({ ResourceProperties }, 400, {
      openRepository: () => ({ resolve }) as never,
    });
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('reading manifests') });
  });

  it('with a long message of multi-byte characters fits into a response', async () => {
    const deployment = await startDeployment();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const openRepository = () => {
      throw new Error('\u0007\u3042'.repeat(2000));
    };
    const response = await deployment.request({ ResourceProperties }, 400, { openRepository });
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('\\a\u3042'.repeat(100)) });
  });
});

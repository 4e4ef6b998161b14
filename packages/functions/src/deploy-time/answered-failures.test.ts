import { makeBrokenLayer, makeHelmChart, makeImage } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { makeTwoLayers, startDeployment } from './fixtures/deployment.ts';

describe('a failure', () => {
  it.each([
    ['no tag', { image: '' }, 'image: "" is neither a tag nor a digest'],
    ['a missing image', { image: 'v2' }, 'there is no app:v2: push it before the stack is deployed'],
    ['a wrong size', { image: 'v1', spanSize: '-1' }, 'soci_span_size is "-1"'],
    ['a template that needs a tag', { image: `sha256:${'0'.repeat(64)}`, outputTag: '{tag}-x' }, 'use {digest12}'],
    ['a chart', { image: 'chart' }, 'gets no SOCI index (not-an-image)'],
    ['a broken layer', { image: 'broken' }, 'gets no SOCI index (image-invalid)'],
  ])('because of %s is answered', async (_, properties, reason) => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    await deployment.push('chart', makeHelmChart());
    await deployment.push('broken', makeImage([makeBrokenLayer('broken')]));
    const [answer] = await deployment.deploy(properties);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) });
  });

  it('of an update leaves the name that the resource has', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v2' });
    expect(second).toMatchObject({ Status: 'FAILED', PhysicalResourceId: first?.PhysicalResourceId });
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('in passing is tried again', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    // One more than the client tries by itself.
    deployment.registry.inject({
      on: { port: 'registry' },
      times: 7,
      fault: { kind: 'status', status: 503, retryAfter: 0 },
    });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'SUCCESS' }]);
    expect(deployment.lines.join('\n')).toContain('tried again');
  });

  it('of permissions is tried again, as these take their time, and then answered', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const denied = { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: 2, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'SUCCESS' }]);
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'FAILED' }]);
  });

  it('to delete is answered in words', async () => {
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
      Reason: expect.stringContaining('AWS does not allow ecr:ListImages'),
    });
  });

  it('to be done in time is answered before the time is over', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const slow = { kind: 'slow', rate: 100 } as const;
    deployment.registry.inject({ on: { port: 'storage' }, times: Number.POSITIVE_INFINITY, fault: slow });
    const before = performance.now();
    const [answer] = await deployment.deploy({ image: 'v1' }, 2000);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('nearly over: reading layers') });
    expect(performance.now() - before).toBeLessThan(2000);
    expect(deployment.registry.tags('app')).toEqual(['v1']);
  });

  it('while the registry is out of order ends with what the last try said', async () => {
    const deployment = await startDeployment();
    await deployment.push('v1', makeTwoLayers());
    const outage = { kind: 'status', status: 501 } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: outage });
    const [answer] = await deployment.deploy({ image: 'v1' }, 2000);
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('nearly over, after several tries'),
    });
  });

  it('is answered in time even where something hangs that heeds no signal', async () => {
    const deployment = await startDeployment();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const resolve = () => new Promise<never>(() => {});
    const answer = await deployment.ask({ ResourceProperties }, 400, { openRepository: () => ({ resolve }) as never });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('looking at the image') });
  });

  it('in long words, that take several bytes a character, fits an answer', async () => {
    const deployment = await startDeployment();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const openRepository = () => {
      throw new Error('\u0007\u3042'.repeat(2000));
    };
    const answer = await deployment.ask({ ResourceProperties }, 400, { openRepository });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('\u0007\u3042'.repeat(100)) });
  });
});

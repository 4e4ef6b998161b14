import { SOCI_INDEX_V1 } from '@soci/index';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AMD64,
  ARM64,
  makeBrokenLayer,
  makeBuildKitAttestation,
  makeHelmChart,
  makeImage,
  makeIndex,
  makeLayer,
} from '../fixtures/image-content.ts';
import { type Deployment, startDeployment } from './fixtures/deployment.ts';

const running: Deployment[] = [];

afterEach(async () => {
  for (const { registry } of running.splice(0)) await registry.stop();
});

async function start(options?: Parameters<typeof startDeployment>[0]): Promise<Deployment> {
  const deployment = await startDeployment(options);
  running.push(deployment);
  return deployment;
}

const image = (name = 'app') => makeImage([makeLayer(`${name}-base`), makeLayer(name)]);

/** Digests of everything that the repository holds. */
async function digestsIn({ registry }: Deployment): Promise<string[]> {
  const digests = new Set(registry.events.map(({ detail }) => detail['image-digest'] ?? ''));
  return [...digests].filter((digest) => registry.manifest('app', digest) !== undefined);
}

describe('a stack', () => {
  it('that is created has an index, and what to deploy', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
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
    const deployment = await start();
    await deployment.push('v1', image());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v1' });
    expect(second).toMatchObject({
      PhysicalResourceId: first?.PhysicalResourceId,
      Data: { imageDigest: first?.Data?.imageDigest, outcome: 'skipped', reason: 'already-indexed' },
    });
  });

  it('that is updated to another image has that indexed, and the index before deleted', async () => {
    const deployment = await start();
    const originals = [await deployment.push('v1', image('one')), await deployment.push('v2', image('two'))];
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second, deletion] = await deployment.deploy({ image: 'v2' });
    expect(second?.PhysicalResourceId).not.toBe(first?.PhysicalResourceId);
    expect(deletion?.Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v2', 'v2-soci']);
    expect(deployment.registry.checkGraph('app', 'v2-soci')).toEqual([]);
    // The originals, and of the second image the root, its manifest and its SOCI index.
    expect(await digestsIn(deployment)).toHaveLength(originals.length + 3);
  });

  it('that is updated to other settings gives the tag to the new index', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', spanSize: '4096' });
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(await digestsIn(deployment)).toHaveLength(4);
  });

  it('that is updated to another tag for its index keeps that', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.deploy({ image: 'v1' });
    await deployment.deploy({ image: 'v1', outputTag: 'lazy-{tag}' });
    expect(deployment.registry.tags('app')).toEqual(['lazy-v1', 'v1']);
    expect(deployment.registry.checkGraph('app', 'lazy-v1')).toEqual([]);
  });

  it('that is deleted leaves the image as it was', async () => {
    const deployment = await start();
    const platforms = [AMD64, ARM64].map((platform) => ({
      made: makeImage([makeLayer('shared'), makeLayer(platform.architecture)], { platform }),
      fields: { platform },
    }));
    await deployment.push('v1', makeIndex(platforms));
    await deployment.deploy({ image: 'v1' });
    expect(await digestsIn(deployment)).toHaveLength(3 + 5);
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    expect(deployment.registry.checkGraph('app', 'v1')).toEqual([]);
    expect(await digestsIn(deployment)).toHaveLength(3);
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
  });

  it('that is deleted leaves an index that somebody has given another tag', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.deploy({ image: 'v1' });
    const found = deployment.registry.manifest('app', 'v1-soci');
    deployment.registry.putManifest('app', 'stable', found?.mediaType ?? '', found?.bytes ?? Buffer.of());
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.tags('app')).toEqual(['stable', 'v1']);
    expect(deployment.registry.checkGraph('app', 'stable')).toEqual([]);
  });

  it('that is deleted leaves what the image itself lists, and what has a tag of its own', async () => {
    const deployment = await start();
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
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.deploy({ image: 'v1', removeIndex: 'false' });
    deployment.registry.clearRequests();
    expect(await deployment.destroy()).toMatchObject({ Status: 'SUCCESS' });
    expect(deployment.registry.requests).toEqual([]);
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('is deleted where the repository is not there any more', async () => {
    const deployment = await start();
    const id = `other:v1-soci@sha256:${'0'.repeat(64)}`;
    const ResourceProperties = { repositoryName: 'other', image: 'v1' };
    expect(await deployment.ask({ RequestType: 'Delete', PhysicalResourceId: id, ResourceProperties })).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: id,
    });
  });

  it('is deleted where its creation failed, whatever the reason', async () => {
    const deployment = await start();
    const failed = await deployment.ask({ ResourceProperties: { image: '!' } });
    expect(failed).toMatchObject({ Status: 'FAILED' });
    const { PhysicalResourceId } = failed;
    const request = { RequestType: 'Delete', PhysicalResourceId, ResourceProperties: { image: '!' } } as const;
    expect(await deployment.ask(request)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId });
  });

  it.each([
    ['image', image()],
    ['image of several platforms', makeIndex([{ made: image(), fields: { platform: AMD64 } }])],
  ])('never deletes an %s that is not SOCI-enabled', async (_, made) => {
    const deployment = await start();
    const digest = await deployment.push('v1', made);
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const PhysicalResourceId = `app:v1@${digest}`;
    const answer = await deployment.ask({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties });
    expect(answer.Status).toBe('SUCCESS');
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    expect(deployment.registry.checkGraph('app', 'v1')).toEqual([]);
  });
});

describe('an image', () => {
  it('with nothing to index is deployed as it is, and stays', async () => {
    const deployment = await start();
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

  it('that is SOCI-enabled already is deployed as it is, and stays', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.deploy({ image: 'v1', removeIndex: 'false' });
    const digest = deployment.registry.manifest('app', 'v1-soci')?.digest;
    const other = { repositoryName: 'app', image: 'v1-soci', minLayerSize: '1000' };
    const answer = await deployment.ask({ ResourceProperties: other });
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: { imageDigest: digest, reason: 'soci-enabled' } });
    const { PhysicalResourceId } = answer;
    await deployment.ask({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties: other });
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('is given by its digest too, and its index named after that', async () => {
    const deployment = await start();
    const digest = await deployment.push(undefined, image());
    const tag = `soci-${digest.slice(7, 19)}`;
    expect(await deployment.deploy({ image: digest })).toMatchObject([
      { Data: { outputTag: tag, outcome: 'indexed' } },
    ]);
    await deployment.destroy();
    expect(await digestsIn(deployment)).toEqual([digest]);
  });

  it('may have an index without a tag', async () => {
    const deployment = await start();
    const digest = await deployment.push('v1', image());
    const [answer] = await deployment.deploy({ image: 'v1', outputTag: 'none' });
    expect(deployment.registry.checkGraph('app', answer?.Data?.imageDigest ?? '')).toEqual([]);
    await deployment.destroy();
    expect(await digestsIn(deployment)).toEqual([digest]);
  });

  it('of version 1 stays, and its SOCI indexes come and go', async () => {
    const deployment = await start();
    const digest = await deployment.push('v1', image());
    const [answer] = await deployment.deploy({ image: 'v1', indexVersion: 'V1' });
    expect(answer).toMatchObject({ Data: { imageDigest: digest, outputTag: '', outcome: 'indexed' } });
    expect(await digestsIn(deployment)).toHaveLength(2);
    await deployment.deploy({ image: 'v1', indexVersion: 'V1', spanSize: '4096' });
    const left = await digestsIn(deployment);
    expect(left).toHaveLength(2);
    const index = deployment.registry.manifest('app', left.find((each) => each !== digest) ?? '');
    expect(Buffer.from(index?.bytes ?? []).toString()).toContain(SOCI_INDEX_V1);
    await deployment.destroy();
    expect(await digestsIn(deployment)).toEqual([digest]);
  });

  it('whose tag is moved while it is indexed is followed', async () => {
    const deployment = await start();
    await deployment.push('v1', image('first'));
    // Of the storage's answers the first is the configuration.
    deployment.registry.inject({ on: { port: 'storage' }, after: 1, fault: { kind: 'slow', rate: 10_000 } });
    const deploying = deployment.deploy({ image: 'v1' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await deployment.push('v1', image('second'));
    expect(await deploying).toMatchObject([{ Status: 'SUCCESS', Data: { outcome: 'indexed' } }]);
    expect((await deployment.deploy({ image: 'v1' }))[0]).toMatchObject({ Data: { reason: 'already-indexed' } });
  });
});

describe('a failure', () => {
  it.each([
    ['no tag', { image: '' }, 'image: "" is neither a tag nor a digest'],
    ['a missing image', { image: 'v2' }, 'there is no app:v2: push it before the stack is deployed'],
    ['a wrong size', { image: 'v1', spanSize: '-1' }, 'soci_span_size is "-1"'],
    ['a template that needs a tag', { image: `sha256:${'0'.repeat(64)}`, outputTag: '{tag}-x' }, 'use {digest12}'],
    ['a chart', { image: 'chart' }, 'gets no SOCI index (not-an-image)'],
    ['a broken layer', { image: 'broken' }, 'gets no SOCI index (image-invalid)'],
  ])('because of %s is answered', async (_, properties, reason) => {
    const deployment = await start();
    await deployment.push('v1', image());
    await deployment.push('chart', makeHelmChart());
    await deployment.push('broken', makeImage([makeBrokenLayer('broken')]));
    const [answer] = await deployment.deploy(properties);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(reason) });
  });

  it('of an update leaves the name that the resource has', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    const [first] = await deployment.deploy({ image: 'v1' });
    const [second] = await deployment.deploy({ image: 'v2' });
    expect(second).toMatchObject({ Status: 'FAILED', PhysicalResourceId: first?.PhysicalResourceId });
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('in passing is tried again', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
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
    const deployment = await start();
    await deployment.push('v1', image());
    const denied = { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: 2, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'SUCCESS' }]);
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: denied });
    expect(await deployment.deploy({ image: 'v1' })).toMatchObject([{ Status: 'FAILED' }]);
  });

  it('to delete is answered in words', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
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
    const deployment = await start();
    await deployment.push('v1', image());
    const slow = { kind: 'slow', rate: 100 } as const;
    deployment.registry.inject({ on: { port: 'storage' }, times: Number.POSITIVE_INFINITY, fault: slow });
    const before = performance.now();
    const [answer] = await deployment.deploy({ image: 'v1' }, 2000);
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('nearly over: reading layers') });
    expect(performance.now() - before).toBeLessThan(2000);
    expect(deployment.registry.tags('app')).toEqual(['v1']);
  });

  it('while the registry is out of order ends with what the last try said', async () => {
    const deployment = await start();
    await deployment.push('v1', image());
    const outage = { kind: 'status', status: 501 } as const;
    deployment.registry.inject({ on: { port: 'registry' }, times: Number.POSITIVE_INFINITY, fault: outage });
    const [answer] = await deployment.deploy({ image: 'v1' }, 2000);
    expect(answer).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('nearly over, after several tries'),
    });
  });

  it('is answered in time even where something hangs that heeds no signal', async () => {
    const deployment = await start();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const resolve = () => new Promise<never>(() => {});
    const answer = await deployment.ask({ ResourceProperties }, 400, { openRepository: () => ({ resolve }) as never });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('looking at the image') });
  });

  it('in long words, that take several bytes a character, fits an answer', async () => {
    const deployment = await start();
    const ResourceProperties = { repositoryName: 'app', image: 'v1' };
    const openRepository = () => {
      throw new Error('\u0007\u3042'.repeat(2000));
    };
    const answer = await deployment.ask({ ResourceProperties }, 400, { openRepository });
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('\u0007\u3042'.repeat(100)) });
  });
});

describe('a deployment that does not wait', () => {
  it('is given the image itself, and the index is made after it, and deleted with it', async () => {
    const deployment = await start();
    const digest = await deployment.push('v1', image());
    expect(await deployment.deploy({ image: 'v1', wait: 'false' })).toMatchObject([
      { Status: 'SUCCESS', Data: { imageDigest: digest, outputTag: 'v1-soci', outcome: 'started' } },
    ]);
    expect(deployment.registry.tags('app')).toEqual(['v1']);
    await deployment.runLater();
    expect(deployment.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(deployment.registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect((await deployment.destroy()).Status).toBe('SUCCESS');
    expect(await digestsIn(deployment)).toEqual([digest]);
  });

  it('fails where there is no image', async () => {
    const deployment = await start();
    expect(await deployment.deploy({ image: 'v1', wait: 'false' })).toMatchObject([{ Status: 'FAILED' }]);
    expect(deployment.later).toEqual([]);
  });

  it('is not told of what goes wrong: the log is', async () => {
    const deployment = await start();
    await deployment.push('v1', makeImage([makeBrokenLayer('broken')]));
    await deployment.deploy({ image: 'v1', wait: 'false' });
    await deployment.runLater();
    expect(deployment.lines.join('\n')).toContain('gets no SOCI index (image-invalid)');
    expect((await deployment.destroy()).Status).toBe('SUCCESS');
  });
});

// The state machine runs in moto with the deployed definition, and its functions run with the deployed code and environment.
import { makeBrokenLayer, makeImage, makeLayer, pushImage } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { findTool } from '../../tools/tools.ts';
import { allows, type Policy, unusedPermissions } from '../iam/policy.ts';
import { REPORT } from '../report.ts';
import { DeployedJobs, type Execution, type JobFunction } from './deployed-jobs.ts';

const REPOSITORIES = ['prod/app', 'prod/tools', 'prod/web'];

describe.skipIf(findTool('moto') === undefined)('a run over three repositories', () => {
  let jobs: DeployedJobs;
  let first: Execution;

  beforeAll(async () => {
    jobs = await DeployedJobs.start();
    for (const repository of [...REPOSITORIES, 'dev/app']) {
      jobs.registry.createRepository(repository);
      for (const tag of ['v1', 'v2']) {
        await pushImage(jobs.registry, repository, tag, makeImage([makeLayer(`${repository}-${tag}`)]));
      }
    }
    jobs.registry.clearRequests();
    first = await jobs.run({}, 'first');
  });
  afterAll(() => jobs.stop());

  test('indexes every image that matches the filters', async () => {
    expect(first).toMatchObject({ status: 'SUCCEEDED' });
    for (const repository of REPOSITORIES) {
      expect(jobs.registry.tags(repository)).toEqual(['v1', 'v1-soci', 'v2', 'v2-soci']);
    }
    expect(jobs.registry.tags('dev/app')).toEqual(['v1', 'v2']);
    expect(await jobs.read<RunReport>('runs/first/report.json')).toMatchObject({
      images: { indexed: 6, skipped: 0, failed: 0, crashed: 0 },
      repositories: { matched: 3, listed: 3 },
    });
  });

  test('has nothing to do when it is repeated', async () => {
    const before = jobs.lambda.invocations.length;
    expect(await jobs.run({}, 'second')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await jobs.read<RunReport>('runs/second/report.json')).toMatchObject({
      tags: { index: 0, stale: 0, current: 6 },
      images: { indexed: 0 },
    });
    // One plan, three lists, one merge, one report.
    expect(jobs.lambda.invocations.length - before).toBe(6);
  });

  test.each<JobFunction>(['plan', 'list', 'merge', 'report'])(
    'the role of %s allows its calls and no others',
    async (name) => {
      const policies: Policy[] = await jobs.policies(name);
      const calls = jobs.calls(name);
      expect(calls.filter((call) => !allows(policies, call))).toEqual([]);
      expect(unusedPermissions(policies, calls)).toEqual([]);
    },
  );
});

/** Images of the large run, in ten repositories. */
const IMAGES = 500;

/** The same template, in which a run of more than 100 images needs confirmation. */
const confirmAbove100 = (template: string) =>
  template.replaceAll('"soci_confirm_above": "10000"', '"soci_confirm_above": "100"');

describe.skipIf(findTool('moto') === undefined)(`a run over ${IMAGES} images`, () => {
  let jobs: DeployedJobs;
  let refused: Execution;
  let large: Execution;
  let second: Execution;

  beforeAll(async () => {
    jobs = await DeployedJobs.start(confirmAbove100);
    for (let i = 0; i < IMAGES; i++) {
      const repository = `prod/app${i % 10}`;
      jobs.registry.createRepository(repository);
      const layers = [i === 7 ? makeBrokenLayer('broken') : makeLayer(`image ${i}`, 5000)];
      await pushImage(jobs.registry, repository, `v${i}`, makeImage(layers));
    }
    refused = await jobs.run({}, 'refused');
    const started = performance.now();
    const { executionArn } = await jobs.begin({ confirm: true }, 'large');
    second = await jobs.run({ dryRun: true }, 'second');
    large = await jobs.end(executionArn);
    REPORT.measured(`run over ${IMAGES} images`, { seconds: Math.round((performance.now() - started) / 1000) });
  }, 1_800_000);
  afterAll(() => jobs.stop());

  test('needs confirmation', () => {
    expect(refused).toMatchObject({ status: 'FAILED', error: 'FunctionError' });
    expect(refused.cause).toContain(`${IMAGES} images would be indexed: the limit without confirmation is 100`);
  });

  test('excludes a second run at the same time', () => {
    expect(second).toMatchObject({ status: 'FAILED', error: 'FunctionError' });
    expect(second.cause).toContain('another run is active');
  });

  test('indexes all images, and an image that cannot be indexed does not fail it', async () => {
    expect(large).toMatchObject({ status: 'SUCCEEDED' });
    expect(await jobs.read<RunReport>('runs/large/report.json')).toMatchObject({
      repositories: { matched: 10, listed: 10 },
      tags: { index: IMAGES, stale: 0, current: 0 },
      images: { indexed: IMAGES - 1, skipped: 0, failed: 1, crashed: 0 },
      reasons: { failed: { 'image-invalid': 1 } },
      failures: [{ repository: 'prod/app7', tag: 'v7', reason: 'image-invalid' }],
    });
    for (let i = 0; i < 10; i++) {
      const tags = jobs.registry.tags(`prod/app${i}`);
      expect(tags.filter((tag) => tag.endsWith('-soci'))).toHaveLength(IMAGES / 10 - (i === 7 ? 1 : 0));
    }
  });

  test('a dry run finds a new and a moved tag, and indexes nothing', async () => {
    await pushImage(jobs.registry, 'prod/app0', 'new', makeImage([makeLayer('new', 5000)]));
    await pushImage(jobs.registry, 'prod/app0', 'v10', makeImage([makeLayer('moved', 5000)]));
    expect(await jobs.run({ dryRun: true, filters: 'prod/app0:*' }, 'dry')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await jobs.read<RunReport>('runs/dry/report.json')).toMatchObject({
      dryRun: true,
      repositories: { matched: 1, listed: 1 },
      tags: { index: 1, stale: 1 },
      images: { indexed: 0 },
    });
    expect(jobs.registry.tags('prod/app0')).not.toContain('new-soci');
  });

  test('rejects an input with a typing error', async () => {
    const { status, cause } = await jobs.run({ dryrun: true }, 'typo');
    expect(status).toBe('FAILED');
    expect(cause).toContain('unknown field \\"dryrun\\"');
  });
});

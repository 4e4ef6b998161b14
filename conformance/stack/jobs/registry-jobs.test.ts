// The state machine runs in moto with the deployed definition, and its functions run with the deployed code and environment.
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { findTool } from '../../tools/tools.ts';
import { allows, type Policy, unusedPermissions } from '../iam/policy.ts';
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

// The two plain templates, deployed with the code of the package: a builder, and jobs that use its generator.
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { findTool } from '../../tools/tools.ts';
import { allows, unusedPermissions } from '../iam/policy.ts';
import { DeployedJobs } from './deployed-jobs.ts';
import { callsOfMachine } from './machine-calls.ts';

const BOUNDARY = 'arn:aws:iam::123456789012:policy/Boundary';

describe.skipIf(findTool('moto') === undefined)('the plain templates', () => {
  let jobs: DeployedJobs;

  beforeAll(async () => {
    jobs = await DeployedJobs.startPlain({ Schedule: 'rate(1 day)', IamPermissionsBoundaryArn: BOUNDARY });
    jobs.registry.createRepository('prod/app');
    for (const tag of ['v1', 'v2', 'v3']) {
      await pushImage(jobs.registry, 'prod/app', tag, makeImage([makeLayer(tag)]));
    }
  });
  afterAll(() => jobs.stop());

  test('index the images of a registry', async () => {
    expect(await jobs.run({}, 'first')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await jobs.read<RunReport>('runs/first/report.json')).toMatchObject({ images: { indexed: 3, failed: 0 } });
    expect(jobs.registry.tags('prod/app')).toEqual(['v1', 'v1-soci', 'v2', 'v2-soci', 'v3', 'v3-soci']);
  });

  test('have the permissions boundary on every role', async () => {
    expect(await jobs.boundaries()).toEqual(Array.from({ length: 8 }, () => BOUNDARY));
  });

  test('the roles of the state machine and of the schedule allow their calls and no others', async () => {
    const { stateMachineArn, definition, roleArn } = await jobs.describeMachine();
    const start = [{ action: 'states:StartExecution', resource: stateMachineArn }];
    for (const [role, calls] of [
      [roleArn, callsOfMachine(JSON.parse(definition), stateMachineArn)],
      [await jobs.roleOf('ScheduleRole'), start],
    ] as const) {
      const policies = await jobs.policiesOfRole(role);
      expect(calls.filter((call) => !allows(policies, call))).toEqual([]);
      expect(unusedPermissions(policies, calls)).toEqual([]);
    }
  });

  test('are updated with other parameters', async () => {
    await pushImage(jobs.registry, 'prod/app', 'v4', makeImage([makeLayer('v4')]));
    await jobs.updateParameters({ ConfirmAbove: '0' });
    const refused = await jobs.run({}, 'refused');
    expect(refused).toMatchObject({ status: 'FAILED' });
    expect(refused.cause).toContain('1 images would be indexed: the limit without confirmation is 0');
    // Without a schedule, it has no role. The emulator does not update the boundaries.
    expect(await jobs.boundaries()).toHaveLength(7);
    await jobs.updateParameters({ SociOutputTag: 'soci-{tag}' });
    const { cause } = await jobs.run({}, 'differs');
    expect(cause).toContain(
      'the output tag of the generator is {tag}-soci, but that of the state machine is soci-{tag}',
    );
  });
});

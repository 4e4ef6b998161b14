// The state machine runs in moto with the deployed definition, and its functions run with the deployed code and environment.
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useForwardProxies } from '../../../packages/cli/src/fixtures/forward-proxy.ts';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { REPORTS } from '../../run-report.ts';
import { findTool } from '../../tools/tools.ts';
import { allows, type Policy, unusedPermissions } from '../iam/policy.ts';
import { type Backfill, backfill } from './command-line.ts';
import { DeployedJobs, type Execution, type JobFunction } from './deployed-jobs.ts';
import { IMAGES, pushManyImages } from './many-images.ts';

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
    // The generator describes its settings; one plan, three lists, one merge, three collections of garbage, one report.
    expect(jobs.lambda.invocations.length - before).toBe(10);
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

/** The same template, in which a run of more than 100 images needs confirmation. */
const confirmAbove100 = (template: string) =>
  template.replaceAll('"soci_confirm_above": "10000"', '"soci_confirm_above": "100"');

describe.skipIf(findTool('moto') === undefined)(`a run over ${IMAGES} images`, () => {
  let jobs: DeployedJobs;
  let refused: Execution;
  let large: Execution;
  let second: Execution;
  /** An equal registry, in which the command line has indexed the images. */
  let other: TestRegistry;
  let command: Backfill;
  const startProxy = useForwardProxies();

  beforeAll(async () => {
    jobs = await DeployedJobs.start(confirmAbove100);
    await pushManyImages(jobs.registry);
    refused = await jobs.run({}, 'refused');
    const started = performance.now();
    const { executionArn } = await jobs.begin({ confirm: true }, 'large');
    second = await jobs.run({ dryRun: true }, 'second');
    large = await jobs.end(executionArn);
    REPORTS.stack.measured(`run over ${IMAGES} images`, { seconds: Math.round((performance.now() - started) / 1000) });
    // Without redirects: the client follows none from the host of Amazon ECR to loopback.
    other = await startTestRegistry({ auth: 'ecr', ecr: true });
    await pushManyImages(other);
    const proxy = await startProxy(other.host);
    command = await backfill(other, proxy.url, '--filter', 'prod/*:*', '--min-layer-size', '1KiB');
  }, 1_800_000);
  afterAll(() => Promise.all([jobs.stop(), other.stop()]));

  test('needs confirmation', () => {
    expect(refused).toMatchObject({ status: 'FAILED', error: 'FunctionError' });
    expect(refused.cause).toContain(`${IMAGES - 2} images would be indexed: the limit without confirmation is 100`);
  });

  test('excludes a second run at the same time', () => {
    expect(second).toMatchObject({ status: 'FAILED', error: 'FunctionError' });
    expect(second.cause).toContain('another run is active');
  });

  test('indexes all images, and an image that cannot be indexed does not fail it', async () => {
    expect(large).toMatchObject({ status: 'SUCCEEDED' });
    const report = await jobs.read<RunReport>('runs/large/report.json');
    // An archived image and a Helm chart are skipped by the plan.
    const images = { indexed: IMAGES - 8, skipped: 4, failed: 2, crashed: 0 };
    expect(report).toMatchObject({
      repositories: { matched: 11, listed: 10 },
      notListed: [{ repository: 'prod/secret', reason: 'access-denied' }],
      tags: { index: IMAGES - 3, stale: 1, current: 0 },
      images,
      reasons: { failed: { 'image-invalid': 1, 'tag-taken': 1 } },
    });
    const failures = report.failures.map(({ repository, tag, reason }) => `${repository}:${tag} ${reason}`);
    expect(failures.sort()).toEqual(['prod/app7:v7 image-invalid', 'prod/app9:v29 tag-taken']);
  });

  test('has the same outcome for every image as the command line', async () => {
    expect(command, command.stderr).toMatchObject({ code: 0 });
    expect(command.stderr).toContain('prod/secret is skipped');
    const byCommand = command.images.map(({ repository, tag, digest, outcome, reason, root }) =>
      outcomeOf({ repository, tag, digest, outcome, reason, root }),
    );
    const byMachine: string[] = [];
    for (const key of await jobs.list('runs/large/results/')) {
      if (!key.includes('SUCCEEDED')) continue;
      for (const { Output } of await jobs.read<{ readonly Output: string }[]>(key)) {
        const { root, ...rest } = JSON.parse(Output) as GeneratorOutput;
        byMachine.push(outcomeOf({ ...rest, root: root?.digest }));
      }
    }
    expect(byCommand).toHaveLength(IMAGES - 2);
    expect(byMachine.sort()).toEqual(byCommand.sort());
  });

  test('leaves the same tags and manifests as the command line', () => {
    const contents = (registry: TestRegistry) =>
      Array.from({ length: 10 }, (_, i) => `prod/app${i}`).flatMap((repository) =>
        registry.tags(repository).map((tag) => `${repository}:${tag} ${registry.manifest(repository, tag)?.digest}`),
      );
    expect(contents(jobs.registry)).toHaveLength(IMAGES + IMAGES - 8 + 1);
    expect(contents(jobs.registry)).toEqual(contents(other));
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

/** What a child execution returns. */
interface GeneratorOutput extends ImageResult {
  readonly root?: { readonly digest: string };
}

interface ImageResult {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly outcome: string;
  readonly reason?: string | undefined;
}

/** Describes the outcome of an image in a line. */
function outcomeOf({ repository, tag, digest, outcome, reason, root }: ImageResult & { root?: string | undefined }) {
  return `${repository}:${tag}@${digest}: ${outcome} ${reason ?? ''} ${root ?? ''}`;
}

// The garbage collection of the state machine, in moto, with the deployed function, and an Amazon ECS with one cluster.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { runProgram } from '../../registries/run-program.ts';
import { REPORTS } from '../../run-report.ts';
import { findTool } from '../../tools/tools.ts';
import { allows, type Policy, unusedPermissions } from '../iam/policy.ts';
import { DeployedJobs } from './deployed-jobs.ts';

const CLI = fileURLToPath(new URL('../../../packages/cli/bin/soci-index.js', import.meta.url));

const ECR_HOST = '123456789012.dkr.ecr.us-east-1.amazonaws.com';

/** The same template, in which garbage of any age is deleted. */
const ofAnyAge = (template: string) =>
  template.replaceAll('"soci_garbage_older_than_days": "7"', '"soci_garbage_older_than_days": "0"');

/** The report of a run that collects garbage. */
type Report = RunReport & { readonly garbage: NonNullable<RunReport['garbage']> };

interface Index {
  readonly annotations?: object;
  readonly manifests: readonly { readonly digest: string }[];
}

describe.skipIf(findTool('moto') === undefined)('garbage of each kind', () => {
  let jobs: DeployedJobs;
  let dry: Report;
  let wet: Report;
  /** Digests before the runs. */
  const roots = new Map<string, string>();
  let foreign: string;
  let before: readonly string[];

  beforeAll(async () => {
    jobs = await DeployedJobs.start(ofAnyAge);
    const { registry } = jobs;
    for (const repository of ['prod/app', 'prod/secret']) registry.createRepository(repository);
    for (const tag of ['gone', 'moved', 'listed', 'task', 'revision', 'service', 'kept']) {
      await pushImage(registry, 'prod/app', tag, makeImage([makeLayer(tag)]));
    }
    expect(await jobs.run({}, 'index')).toMatchObject({ status: 'SUCCEEDED' });
    for (const tag of registry.tags('prod/app')) roots.set(tag, registry.manifest('prod/app', tag)?.digest ?? '');
    foreign = addForeignIndex(jobs);
    await jobs.write('in-use/pods.txt', `docker-pullable://mirror.example/prod/app@${roots.get('listed-soci')}\n`);
    jobs.cluster.task = { image: `${ECR_HOST}/prod/app:task-soci`, imageDigest: roots.get('task-soci') ?? '' };
    jobs.cluster.revision = { image: `${ECR_HOST}/prod/app:x`, imageDigest: roots.get('revision-soci') ?? '' };
    jobs.cluster.definition = { image: `${ECR_HOST}/prod/app:service-soci` };
    for (const tag of ['gone', 'listed', 'task', 'revision', 'service']) await deleteImage(jobs, roots.get(tag) ?? '');
    // The run indexes the tag again. The index of the earlier image has no tag then.
    await pushImage(registry, 'prod/app', 'moved', makeImage([makeLayer('moved to another image')]));
    registry.denyAccess('prod/secret');
    before = registry.tags('prod/app');
    await jobs.run({ dryRun: true }, 'dry');
    dry = await jobs.read<Report>('runs/dry/report.json');
    expect(registry.tags('prod/app')).toEqual(before);
    await jobs.run({}, 'wet');
    wet = await jobs.read<Report>('runs/wet/report.json');
  }, 600_000);
  afterAll(() => jobs.stop());

  test('is only reported by a dry run', () => {
    expect(dry.garbage).toMatchObject({ mode: 'report', manifests: { found: 3, deleted: 0 }, undo: [] });
    expect(dry.garbage.garbage.flatMap(({ tags }) => tags)).toEqual(['gone-soci']);
  });

  test('is deleted: of an image that is gone, and of a tag that has moved', () => {
    const { registry } = jobs;
    expect(wet.garbage).toMatchObject({ mode: 'delete', manifests: { found: 0, deleted: 6, failed: 0 } });
    const deleted = wet.garbage.garbage.filter(({ kind }) => kind === 'soci-image');
    expect(Object.fromEntries(deleted.map(({ digest, garbage }) => [digest, garbage]))).toEqual({
      [roots.get('gone-soci') ?? '']: 'source-gone',
      [roots.get('moved-soci') ?? '']: 'tag-moved',
    });
    for (const { digest } of wet.garbage.garbage) expect(registry.manifest('prod/app', digest)).toBeUndefined();
    expect(registry.tags('prod/app')).toEqual(before.filter((tag) => tag !== 'gone-soci'));
  });

  test('is kept if it is in use in a list, a task, a service revision or a task definition, or has no annotations', () => {
    const { registry } = jobs;
    for (const tag of ['listed-soci', 'task-soci', 'revision-soci', 'service-soci']) {
      expect(registry.manifest('prod/app', tag)?.digest).toBe(roots.get(tag));
    }
    expect(registry.checkGraph('prod/app', 'kept-soci')).toEqual([]);
    expect(registry.checkGraph('prod/app', 'moved-soci')).toEqual([]);
    expect(registry.manifest('prod/app', 'foreign-soci')?.digest).toBe(foreign);
    expect(wet.garbage.kept).toEqual({ 'in-use': 4, unmarked: 1 });
  });

  test('a repository without permission is reported, and does not fail the run', () => {
    expect(wet.garbage.notChecked).toMatchObject([{ repository: 'prod/secret', reason: 'access-denied' }]);
    expect(wet.garbage.repositories).toBe(1);
  });

  test('the event has the numbers and the prefix of the undo logs', async () => {
    const { output = '{}' } = await jobs.run({ filters: 'prod/app:*' }, 'third');
    expect(JSON.parse(output)).toMatchObject({ garbage: { deleted: 0, repositoriesNotChecked: 0 } });
    const [key = ''] = wet.garbage.undo;
    expect(key).toMatch(/^undo\/wet\//);
  });

  test('the role of the function allows its calls and no others', async () => {
    const policies: Policy[] = await jobs.policies('collect');
    const calls = jobs.calls('collect');
    expect(calls.filter((call) => !allows(policies, call))).toEqual([]);
    expect(unusedPermissions(policies, calls)).toEqual([]);
  });

  test('the command line restores it from the undo log', async () => {
    const { registry } = jobs;
    const folder = join(REPORTS.stack.folder, 'undo');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'undo.jsonl');
    const text = await jobs.readText(wet.garbage.undo[0] ?? '');
    expect(text).toContain(ECR_HOST);
    // The test registry has another host.
    writeFileSync(file, text.replace(ECR_HOST, registry.host));
    const auth = Buffer.from(`${registry.credentials.username}:${registry.credentials.password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const env = { DOCKER_CONFIG: folder };
    const { code, stdout, stderr } = await runProgram(process.execPath, [CLI, 'gc', '--restore', file], { env });
    expect(code, `${stderr}`).toBe(0);
    expect(stdout.toString()).toContain('Restored 6 manifests and 1 tag; 0 existed.');
    expect(registry.tags('prod/app')).toEqual(before);
    expect(registry.checkGraph('prod/app', 'gone-soci')).toEqual([]);
  });
});

/** Deletes an image as a user does. */
async function deleteImage({ registry }: DeployedJobs, digest: string): Promise<void> {
  const { username, password } = registry.credentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const url = `${registry.url}/v2/prod/app/manifests/${digest}`;
  const { status } = await fetch(url, { method: 'DELETE', headers: { authorization } });
  expect(status).toBe(202);
}

/** Adds an index of another tool: one without annotations, whose image does not exist. Returns its digest. */
function addForeignIndex({ registry }: DeployedJobs): string {
  const { bytes, mediaType } = registry.manifest('prod/app', 'kept-soci') ?? { bytes: new Uint8Array(), mediaType: '' };
  const { annotations: _, ...index } = JSON.parse(Buffer.from(bytes).toString()) as Index;
  return registry.putManifest('prod/app', 'foreign-soci', mediaType, Buffer.from(JSON.stringify(index)));
}

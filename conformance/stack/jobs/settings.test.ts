// Runs after the settings of the generator have changed, with the deployed definition, code and environment.
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../../packages/functions/src/jobs/report-run.ts';
import { findTool } from '../../tools/tools.ts';
import { DeployedJobs } from './deployed-jobs.ts';

const REPOSITORIES = ['prod/app', 'prod/web'];
const TAGS = ['v1', 'v2', 'v3'];

/** The template with indexes of version 1. */
const version1 = (template: string) => template.replaceAll('"soci_index_version": "V2"', '"soci_index_version": "V1"');

/** The template with other variables of the generator. */
const generatorWith = (variables: string) => (template: string) =>
  template.replace('"soci_min_layer_size": "1024"', `"soci_min_layer_size": "1024", ${variables}`);

describe.skipIf(findTool('moto') === undefined)('a run after a change', () => {
  let jobs: DeployedJobs;

  /** Runs the state machine. Returns what it found and did. */
  async function run(name: string): Promise<Pick<RunReport, 'tags' | 'images'>> {
    expect(await jobs.run({}, name)).toMatchObject({ status: 'SUCCEEDED' });
    const { tags, images } = await jobs.read<RunReport>(`runs/${name}/report.json`);
    return { tags, images };
  }

  /** Returns the digest of each tag of the repositories. */
  function digests(repositories = [...REPOSITORIES, 'dev/app']): Record<string, string | undefined> {
    return Object.fromEntries(
      repositories.flatMap((repository) =>
        jobs.registry
          .tags(repository)
          .map((tag) => [`${repository}:${tag}`, jobs.registry.manifest(repository, tag)?.digest]),
      ),
    );
  }

  const generatorRuns = () => {
    const arn = jobs.arnOf('generator');
    return jobs.lambda.invocations.filter(({ functionName }) => arn.endsWith(`:${functionName}`)).length;
  };

  beforeAll(async () => {
    jobs = await DeployedJobs.start(version1);
    for (const repository of [...REPOSITORIES, 'dev/app']) {
      jobs.registry.createRepository(repository);
      for (const tag of TAGS) {
        await pushImage(jobs.registry, repository, tag, makeImage([makeLayer(`${repository}-${tag}`)]));
      }
    }
    await run('version1');
  });
  afterAll(() => jobs.stop());

  test('to version 2 indexes the images that have an index of version 1', async () => {
    expect(digests()).not.toHaveProperty(['prod/app:v1-soci']);
    await jobs.update((template) => template);
    expect(await run('version2')).toMatchObject({ tags: { index: 0, stale: 6 }, images: { indexed: 6 } });
    expect(digests()).toHaveProperty(['prod/app:v1-soci']);
  });

  test('of the span size indexes all images again, changes nothing else, and the next run does nothing', async () => {
    const before = digests();
    await jobs.update(generatorWith('"soci_span_size": "65536"'));
    expect(await run('spans')).toMatchObject({ tags: { index: 0, stale: 6, current: 0 }, images: { indexed: 6 } });
    const after = digests();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed).toEqual(Object.keys(before).filter((name) => name.endsWith('-soci')));
    const runsBefore = generatorRuns();
    expect(await run('again')).toMatchObject({ tags: { stale: 0, current: 6 }, images: { indexed: 0 } });
    // It only describes its settings.
    expect(generatorRuns() - runsBefore).toBe(1);
    expect(digests()).toEqual(after);
  });

  test('of a tag, back to an older image, indexes that image', async () => {
    const older = makeImage([makeLayer('prod/app-v1')]);
    await pushImage(jobs.registry, 'prod/app', 'v1', makeImage([makeLayer('newer')]));
    expect(await run('moved')).toMatchObject({ tags: { stale: 1 }, images: { indexed: 1 } });
    await pushImage(jobs.registry, 'prod/app', 'v1', older);
    expect(await run('back')).toMatchObject({ tags: { stale: 1 }, images: { indexed: 1 } });
    expect(await run('settled')).toMatchObject({ tags: { stale: 0, current: 6 } });
  });

  test('to settings that are not valid fails, and says why', async () => {
    await jobs.update(generatorWith('"soci_span_size": "many"'));
    const failed = await jobs.run({}, 'invalid');
    expect(failed).toMatchObject({ status: 'FAILED', error: 'EnvironmentInvalid' });
    expect(failed.cause).toContain('soci_span_size is \\"many\\": expected');
  });

  test('to settings that are not valid, during a run, is a crash that is not retried', async () => {
    await jobs.update(generatorWith('"soci_span_size": "131072"'));
    const breakGenerator = await jobs.prepareUpdate(generatorWith('"soci_span_size": "many"'));
    const { executionArn } = await jobs.begin({}, 'broken');
    await jobs.waitForInvocation('generator');
    const before = generatorRuns();
    await breakGenerator();
    // The emulator does not enforce the threshold.
    expect(await jobs.end(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    const report = await jobs.read<RunReport>('runs/broken/report.json');
    expect(report.images).toEqual({ indexed: 0, skipped: 0, failed: 0, crashed: 6 });
    expect(report.failures[0]).toMatchObject({ reason: 'EnvironmentInvalid' });
    expect(generatorRuns() - before).toBe(6);
  });
});

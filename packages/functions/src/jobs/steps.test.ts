// The steps of a run, in order, with a store in memory and a registry.

import { openEcrCatalog } from '@soci/ecr';
import type { RegistryCatalog } from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJobsSettings } from '../environment/jobs-settings.ts';
import { memoryStore } from '../fixtures/memory-store.ts';
import { listRepository } from './list-repository.ts';
import { mergePlans } from './merge-plans.ts';
import { planRun } from './plan-run.ts';
import { type RunReport, type RunResult, reportRun } from './report-run.ts';
import { parseRun, type RunRequest } from './run.ts';

const LOCATION = { account: '123456789012', region: 'us-east-1' };
const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:machine:first';
const REQUEST: RunRequest = {
  execution: EXECUTION,
  started: '2026-11-29T12:00:00Z',
  input: {},
  active: [EXECUTION],
  generator: {},
};
const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('the request of a run', () => {
  it.each<[string, Partial<RunRequest>, string]>([
    ['without an execution', {}, 'start the state machine'],
    ['with a list as input', { ...REQUEST, input: [] }, 'it is not a JSON object'],
    ['with an unknown field', { ...REQUEST, input: { dryrun: true } }, 'unknown field "dryrun": use dryRun'],
    ['with a wrong type', { ...REQUEST, input: { confirm: 'yes' } }, 'confirm is "yes": expected a boolean'],
    ['during an older run', { ...REQUEST, active: [EXECUTION, 'older'] }, 'another run is active: older'],
  ])('%s is rejected', (_, request, message) => {
    expect(() => parseRun(request, 'off')).toThrow(message);
  });

  it('is accepted during a newer run', () => {
    expect(parseRun({ ...REQUEST, active: ['newer', EXECUTION] }, 'off')).toMatchObject({
      name: 'first',
      prefix: 'runs/first',
      time: '2026-11-29T12:00:00.000Z',
      dryRun: false,
    });
  });
});

describe('the steps', () => {
  let registry: TestRegistry;
  let catalog: RegistryCatalog;

  beforeAll(async () => {
    registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true });
    const small = makeImage([makeLayer('small', 1000)]);
    await pushImage(registry, 'prod/app', 'v1', small);
    await pushImage(registry, 'prod/app', 'large', makeImage([makeLayer('large', 200_000)]));
    await pushImage(registry, 'prod/secret', 'v1', small);
    await pushImage(registry, 'prod/lost', 'v1', small);
    await pushImage(registry, 'dev/app', 'v1', small);
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    });
    const ecr = openEcrCatalog({ registry: LOCATION });
    catalog = {
      ...ecr,
      images(repository, options) {
        if (repository === 'prod/secret') throw new RegistryError('ACCESS_DENIED', 'not allowed');
        return ecr.images(repository, options);
      },
    };
  });
  afterAll(() => registry.stop());

  const settings = readJobsSettings({
    soci_bucket: 'bucket',
    soci_repository_image_tag_filters: 'prod/*:*',
    soci_max_image_size: '100000',
    soci_confirm_above: '0',
  });

  /** Runs all steps but that of the generator. The function that lists `prod/lost` crashes. */
  async function run(input: object) {
    const store = memoryStore();
    const found: object[] = [];
    const { confirmAbove } = settings;
    const planned = await planRun({ ...REQUEST, input }, { settings, catalog, store, log: LOG });
    for (const repository of (await store.get(planned.repositories.key)) as string[]) {
      if (repository === 'prod/lost') continue;
      await listRepository({ run: planned.run, repository }, { settings, catalog, store, log: LOG });
    }
    const metrics = { recordFound: (tags: object) => void found.push(tags), recordGarbage: () => {} };
    const merged = await mergePlans(planned, { confirmAbove, store, log: LOG, metrics });
    const events: RunResult[] = [];
    const announce = async (result: RunResult) => void events.push(result);
    const result = await reportRun(merged, { settings, location: LOCATION, store, log: LOG, metrics, announce });
    return { store, merged, events, found, report: (await store.get(result.report)) as RunReport };
  }

  it('find the images without an index, and write items, metrics, a report and an event', async () => {
    const { store, merged, report, events, found } = await run({ confirm: true });
    expect(merged.index).toEqual({ key: 'runs/first/images.json', count: 1 });
    expect(await store.get(merged.index.key)).toEqual([
      { repository: 'prod/app', tag: 'v1', digest: registry.manifest('prod/app', 'v1')?.digest },
    ]);
    expect(found).toEqual([{ index: 1, stale: 0, current: 0, skipped: 1 }]);
    expect(report).toMatchObject({ schemaVersion: 1, execution: EXECUTION, repositories: { matched: 3, listed: 1 } });
    expect(events).toMatchObject([{ bucket: 'bucket', report: 'runs/first/report.json', repositoriesNotListed: 2 }]);
  });

  it('report repositories without permission, and those whose function crashed', async () => {
    const { report } = await run({ confirm: true });
    expect(report.notListed).toMatchObject([
      { repository: 'prod/secret', reason: 'access-denied', message: 'not allowed' },
      { repository: 'prod/lost', reason: 'crashed' },
    ]);
  });

  it('report the command for an image that is too large for the generator', async () => {
    const { report } = await run({ dryRun: true });
    const name = '123456789012.dkr.ecr.us-east-1.amazonaws.com/prod/app';
    expect(report.commands).toEqual([`soci-index convert ${name}:large ${name}:large-soci`]);
    expect(report.tooLarge.count).toBe(1);
  });

  it('index nothing in a dry run, and stop without confirmation above the limit', async () => {
    expect((await run({ dryRun: true })).merged.index.count).toBe(0);
    await expect(run({})).rejects.toThrow('1 images would be indexed: the limit without confirmation is 0');
  });

  it('compare the settings of the generator with those of the indexes', async () => {
    const { store } = await run({ confirm: true });
    const request = (described: object) => ({ ...REQUEST, generator: { settings: described } });
    const plan = (described: object) => planRun(request(described), { settings, catalog, store, log: LOG });
    const settingsDigest = `sha256:${'1'.repeat(64)}`;
    const same = { version: 2, outputTag: '{tag}-soci', hasProvenance: true };
    expect((await plan({ ...same, settingsDigest })).run).toMatchObject({ readsProvenance: true, settingsDigest });
    expect((await plan(same)).run).toMatchObject({ readsProvenance: true });
    // The answer of an earlier version to an unknown event.
    const { run: earlier } = await planRun(
      { ...REQUEST, generator: { statusCode: 400, outcome: 'failed' } },
      { settings, catalog, store, log: LOG },
    );
    expect(earlier).toMatchObject({ readsProvenance: false });
    await expect(plan({ ...same, version: 1 })).rejects.toThrow('the index version of the generator is V1');
    await expect(plan({ ...same, outputTag: 'soci-{tag}' })).rejects.toThrow(
      'the output tag of the generator is soci-{tag}, but that of the state machine is {tag}-soci: deploy the state',
    );
  });

  it('take filters from the input', async () => {
    const { report } = await run({ dryRun: true, filters: 'dev/*:*' });
    expect(report).toMatchObject({ repositories: { matched: 1, listed: 1 }, tags: { index: 1 } });
    await expect(run({ filters: 'dev' })).rejects.toThrow('filters: invalid filters');
  });

  it('ignore a repository whose tags are all excluded', async () => {
    const matched = async (filters: string) => (await run({ dryRun: true, filters })).report.repositories.matched;
    expect(await matched('*:*, !prod/*:*')).toBe(1);
    expect(await matched('*:*, !prod/*:v1')).toBe(4);
  });
});

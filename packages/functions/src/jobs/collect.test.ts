// The collecting step, with a store in memory and a registry that behaves like Amazon ECR.

import { openEcrCatalog } from '@soci/ecr';
import type { RegistryCatalog } from '@soci/oci';
import { openRegistry, RegistryError } from '@soci/registry';
import { parseUndoLog, restoreGarbage } from '@soci/registry-jobs';
import { makeImage, makeLayer } from '@soci/test-content';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type GarbageMode, readJobsSettings } from '../environment/jobs-settings.ts';
import { FunctionError } from '../errors.ts';
import { memoryStore } from '../fixtures/memory-store.ts';
import { startWorkflow, type Workflow } from '../fixtures/workflow.ts';
import { type CollectContext, type CollectedRound, collectRepository } from './collect-repository.ts';
import { reportGarbage } from './garbage-report.ts';
import { parseRun } from './run.ts';

const LOCATION = { account: '123456789012', region: 'us-east-1' };
const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:machine:first';
const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const FIFTEEN_MINUTES = 900_000;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the collecting step', () => {
  let workflow: Workflow;
  let catalog: RegistryCatalog;
  let store = memoryStore();

  beforeEach(async () => {
    store = memoryStore();
    store.objects.set('in-use/pods.txt', 'other/image:v1\n');
    store.times.set('in-use/pods.txt', Date.now());
    workflow = await startWorkflow({ registry: { auth: 'ecr', ecr: true } });
    onTestFinished(() => workflow.registry.stop());
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
    catalog = openEcrCatalog({ registry: LOCATION, endpoint: workflow.registry.awsEndpoint, credentials });
    workflow.registry.createRepository('app');
    for (const tag of ['v1', 'v2', 'v3']) await workflow.pushAndIndex('app', tag, makeImage([makeLayer(tag)]));
  });

  const tags = () => workflow.registry.tags('app');
  const remove = async (...removed: string[]) => {
    const digests = removed.map((tag) => workflow.registry.manifest('app', tag)?.digest ?? '');
    expect(await catalog.delete('app', digests)).toEqual([]);
  };

  /** Runs the step once, and returns its response and the report. */
  async function collect(mode: GarbageMode, more: Partial<CollectContext> = {}, environment: object = {}, input = {}) {
    const settings = readJobsSettings({
      soci_bucket: 'bucket',
      soci_repository_image_tag_filters: '*:*',
      soci_garbage: mode,
      soci_garbage_older_than_days: '0',
      soci_in_use_elsewhere: 'lists',
      ...environment,
    });
    const name = `run${store.objects.size}`;
    const execution = EXECUTION.replace('first', name);
    const run = parseRun({ execution, started: '2026-11-29T12:00:00Z', input, active: [] }, mode);
    await store.put(`${run.prefix}/repositories.json`, ['app']);
    const context = {
      settings,
      catalog,
      host: 'registry.example',
      store,
      log: LOG,
      remainingTime: () => FIFTEEN_MINUTES,
    };
    const response = await collectRepository({ run, repository: 'app' }, { ...context, ...more });
    const report = await reportGarbage(run, { key: `${run.prefix}/repositories.json`, count: 1 }, store);
    return { response, report, rounds: roundsOf(run.collected) };
  }

  const roundsOf = (prefix: string) =>
    [...store.objects].flatMap(([key, text]) =>
      key.startsWith(`${prefix}/rounds/`) ? [JSON.parse(text) as CollectedRound] : [],
    );

  it('deletes an index whose image is gone, with its parts, and nothing when it is repeated', async () => {
    await remove('v1');
    const { response, report } = await collect('delete');
    expect(response).toMatchObject({ deleted: 3, isUnfinished: false });
    expect(tags()).toEqual(['v2', 'v2-soci', 'v3', 'v3-soci']);
    expect(report).toMatchObject({
      mode: 'delete',
      repositories: 1,
      manifests: { deleted: 3, found: 0, kept: 0, failed: 0 },
      notChecked: [],
    });
    expect(report.garbage.map(({ garbage, tags: names }) => [garbage, ...names])).toEqual([
      ['source-gone', 'v1-soci'],
      ['part'],
      ['part'],
    ]);
    expect(report.possibleCopies).toEqual([]);
    expect((await collect('delete')).report.manifests).toMatchObject({ deleted: 0 });
  });

  it('names a repository in which no image has its source image', async () => {
    await remove('v1', 'v2', 'v3');
    for (const mode of ['report', 'delete'] as const) {
      expect((await collect(mode)).report).toMatchObject({ possibleCopies: ['app'], garbage: { length: 9 } });
    }
    expect(tags()).toEqual([]);
  });

  it('only reports in a dry run, and if deletion is not switched on', async () => {
    await remove('v1');
    for (const { report } of [await collect('report'), await collect('delete', {}, {}, { dryRun: true })]) {
      expect(report).toMatchObject({ mode: 'report', manifests: { found: 3, deleted: 0 }, undo: [] });
    }
    expect(tags()).toContain('v1-soci');
  });

  it('has all manifests in an undo log before the first deletion, which a restore reads', async () => {
    const root = workflow.registry.manifest('app', 'v1-soci')?.digest;
    await remove('v1');
    const missing: number[] = [];
    const watched: RegistryCatalog = {
      ...catalog,
      delete: (repository, digests, options) => {
        const [undo] = [...store.objects].filter(([key]) => key.startsWith('undo/'));
        missing.push(digests.filter((digest) => !undo?.[1].includes(digest)).length);
        return catalog.delete(repository, digests, options);
      },
    };
    const { report } = await collect('delete', { catalog: watched });
    expect(new Set(missing)).toEqual(new Set([0]));
    const lines = (store.objects.get(report.undo[0] ?? '') ?? '').trimEnd().split('\n');
    const log = await parseUndoLog(
      (async function* () {
        yield* lines;
      })(),
      'undo',
    );
    expect(log.header.host).toBe('registry.example');
    const { host, credentials } = workflow.registry;
    const login = async () => ({ kind: 'password' as const, ...credentials });
    const registry = openRegistry(host, { plainHttp: true, env: {}, credentials: login });
    onTestFinished(() => registry.close());
    const results = await all(restoreGarbage(log.manifests, (name) => registry.repository(name)));
    expect(results.map(({ outcome }) => outcome)).toEqual(['restored', 'restored', 'restored']);
    expect(workflow.registry.manifest('app', 'v1-soci')?.digest).toBe(root);
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
  });

  it('keeps images in use, with their parts', async () => {
    store.objects.set(
      'in-use/pods.txt',
      `docker-pullable://x/app@${workflow.registry.manifest('app', 'v1-soci')?.digest}`,
    );
    await remove('v1', 'v2');
    const { report } = await collect('delete');
    expect(tags()).toEqual(['v1-soci', 'v3', 'v3-soci']);
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(report).toMatchObject({ manifests: { deleted: 3 }, kept: { 'in-use': 1 } });
  });

  it.each<[string, () => void, string]>([
    ['no list exists', () => store.objects.delete('in-use/pods.txt'), 'no object below in-use/'],
    ['a list is empty', () => store.objects.set('in-use/pods.txt', '# nothing\n'), 'in-use/pods.txt lists no image'],
    ['a list is invalid', () => store.objects.set('in-use/pods.txt', 'not an image!'), 'in-use/pods.txt, line 1'],
    [
      'a list is older than a day',
      () => store.times.set('in-use/pods.txt', Date.now() - 25 * 3600 * 1000),
      'more than 24 hours ago',
    ],
  ])('deletes nothing if %s', async (_, change, message) => {
    await remove('v1');
    change();
    const { report } = await collect('delete');
    expect(report).toMatchObject({
      repositories: 0,
      manifests: { deleted: 0 },
      notChecked: [{ repository: 'app', reason: 'in-use-unknown', message: expect.stringContaining(message) }],
    });
    expect(tags()).toContain('v1-soci');
  });

  it('keeps young garbage', async () => {
    await remove('v1');
    const { report } = await collect('delete', {}, { soci_garbage_older_than_days: '1' });
    expect(report).toMatchObject({ manifests: { deleted: 0 }, kept: { 'too-new': 1 } });
    expect(tags()).toContain('v1-soci');
  });

  it('reports a repository without permission', async () => {
    workflow.registry.denyAccess('app');
    expect((await collect('delete')).report.notChecked).toMatchObject([{ repository: 'app', reason: 'access-denied' }]);
  });

  it('works in rounds of whole images', async () => {
    await remove('v1', 'v2');
    const { response, rounds } = await collect('delete', { roundSize: 1 });
    expect(response).toMatchObject({ deleted: 6, isUnfinished: false });
    expect(rounds.map(({ manifests, remaining }) => [manifests.length, remaining])).toEqual([
      [3, 3],
      [3, 0],
    ]);
    expect(new Set(rounds.map(({ undo }) => undo)).size).toBe(2);
    expect(tags()).toEqual(['v3', 'v3-soci']);
  });

  it('leaves the rest to the next invocation if time is short, and says so', async () => {
    await remove('v1', 'v2');
    const short = { roundSize: 1, remainingTime: () => 60_000 };
    const first = await collect('delete', short);
    expect(first.response).toMatchObject({ deleted: 3, isUnfinished: true });
    expect(first.report.notChecked).toMatchObject([
      { reason: 'unfinished', message: expect.stringContaining('3 manif') },
    ]);
    expect((await collect('delete', short)).response).toMatchObject({ deleted: 3, isUnfinished: false });
    expect(tags()).toEqual(['v3', 'v3-soci']);
  });

  it('deletes the parts that a stopped invocation left behind', async () => {
    await remove('v1');
    let calls = 0;
    const dying: RegistryCatalog = {
      ...catalog,
      // Lambda ends the invocation after the deletion of the image.
      delete: (...call) => (calls++ === 0 ? catalog.delete(...call) : new Promise(() => {})),
    };
    void collect('delete', { catalog: dying });
    await expect.poll(() => calls).toBe(2);
    const { report } = await collect('delete');
    expect(report.manifests).toMatchObject({ deleted: 2 });
    const left = (await all(catalog.images('app'))).flat();
    expect(left).toHaveLength(8);
    expect((await collect('delete')).report.manifests).toMatchObject({ deleted: 0 });
  });

  it('reports deletions that failed, and finishes them in the next run', async () => {
    await remove('v1');
    let calls = 0;
    const failing: RegistryCatalog = {
      ...catalog,
      delete: (...call) => {
        if (calls++ === 0) return catalog.delete(...call);
        throw new RegistryError('ACCESS_DENIED', 'AWS denies ecr:BatchDeleteImage');
      },
    };
    const { report } = await collect('delete', { catalog: failing });
    expect(report).toMatchObject({ manifests: { deleted: 1, failed: 2 }, undo: [expect.stringMatching(/^undo\/run/)] });
    expect(report.garbage[1]).toMatchObject({ outcome: 'failed', message: 'AWS denies ecr:BatchDeleteImage' });
    expect((await collect('delete')).report.manifests).toMatchObject({ deleted: 2, failed: 0 });
  });

  it('deletes nothing if the undo log cannot be written, and asks for a retry', async () => {
    await remove('v1');
    const full = {
      ...store,
      putText: () => Promise.reject(new FunctionError('TRY_AGAIN', 'cannot write s3://bucket')),
    };
    await expect(collect('delete', { store: full })).rejects.toMatchObject({ code: 'TRY_AGAIN' });
    expect(tags()).toContain('v1-soci');
  });
});

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OciError } from '@soci/oci';
import { openStateFile, type PlannedImage, runPlan, type StateIdentity } from '@soci/registry-jobs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digest } from '../fixtures/memory-catalog.ts';

const IDENTITY: StateIdentity = { host: 'registry.example', policy: digest('policy'), program: 'test 1' };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Plans images v1, v2, ... */
function plans(count: number): PlannedImage[] {
  return Array.from({ length: count }, (_, at) => {
    const tag = `v${at + 1}`;
    return { repository: 'app', tag, digest: digest(tag), action: 'index', reason: 'no-index' };
  });
}

const indexed = async () => ({ outcome: 'indexed' as const, bytesRead: 10 });

describe('a run', () => {
  it('indexes images in their order, as many at a time as it has jobs', async () => {
    const started: string[] = [];
    let [active, most] = [0, 0];
    const { counts, bytesRead } = await runPlan(plans(20), {
      jobs: 3,
      async index({ tag }) {
        started.push(tag);
        most = Math.max(most, ++active);
        await new Promise((resolve) => setTimeout(resolve, 1));
        active--;
        return indexed();
      },
    });
    expect([started, most, counts.indexed, bytesRead]).toEqual([plans(20).map(({ tag }) => tag), 3, 20, 200]);
  });

  it('continues after an image that fails, and reports why', async () => {
    const result = await runPlan(plans(4), {
      async index({ tag }) {
        if (tag === 'v2') throw new OciError('MANIFEST_INVALID', 'the manifest is not JSON');
        if (tag === 'v3') return { outcome: 'skipped', reason: 'gone', message: 'deleted' };
        return indexed();
      },
    });
    expect(result.counts).toEqual({ indexed: 2, failed: 1, skipped: 1 });
    expect(result.reasons).toEqual({ indexed: 2, 'failed image-invalid': 1, 'skipped gone': 1 });
  });

  it.each([
    [new OciError('NOT_FOUND', 'the tag does not exist'), 'skipped gone'],
    [new OciError('DIGEST_MISMATCH', 'damaged'), 'failed try-again'],
    [Object.assign(new Error('denied'), { name: 'RegistryError', code: 'ACCESS_DENIED' }), 'failed access-denied'],
    [Object.assign(new Error('too many'), { name: 'RegistryError', code: 'RATE_LIMITED' }), 'failed try-again'],
    ['a string', 'failed try-again'],
  ])('has a reason for the error %s', async (error, reason) => {
    const index = () => Promise.reject(error);
    expect((await runPlan(plans(1), { index })).reasons).toEqual({ [reason]: 1 });
  });

  it('stops when it is aborted, and does not record images in progress', async () => {
    const stop = new AbortController();
    const path = join(folder, 'state.jsonl');
    const state = await openStateFile(path, IDENTITY);
    const run = runPlan(plans(10), {
      jobs: 2,
      state,
      signal: stop.signal,
      async index({ tag }, { signal }) {
        if (tag === 'v5') stop.abort(new Error('interrupted'));
        signal.throwIfAborted();
        return indexed();
      },
    });
    await expect(run).rejects.toThrow('interrupted');
    await state.close();
    expect(await tagsIn(path)).not.toContain('v5');
  });

  it('stops if the state file cannot be written', async () => {
    const state = await openStateFile(join(folder, 'state.jsonl'), IDENTITY);
    await state.close();
    await expect(runPlan(plans(3), { state, index: indexed })).rejects.toThrow();
  });

  it('rejects an invalid number of jobs', async () => {
    await expect(runPlan(plans(1), { jobs: 0, index: indexed })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('reports progress: what is active, what is finished, and how much of it', async () => {
    const lines: string[] = [];
    await runPlan(plans(2), {
      jobs: 1,
      index: indexed,
      onProgress: ({ done, total, active, finished }) =>
        lines.push(`${done}/${total} ${active.map(({ tag }) => tag)} ${finished?.tag ?? '-'}`),
    });
    expect(lines).toEqual(['0/2 v1 -', '1/2  v1', '1/2 v2 -', '2/2  v2']);
  });
});

async function tagsIn(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line)).flatMap(({ tag }) => tag ?? []);
}

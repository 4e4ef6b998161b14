import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CurrentImage,
  type ImageOutcome,
  openStateFile,
  type PlannedImage,
  type StateIdentity,
} from '@soci/registry-jobs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digest } from '../fixtures/memory-catalog.ts';

const IDENTITY: StateIdentity = { host: 'registry.example', policy: digest('policy'), program: 'test 1' };

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-'));
  path = join(folder, 'state.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

function planned(tag: string, reason: PlannedImage['reason'] = 'no-index'): PlannedImage {
  return { repository: 'app', tag, digest: digest(tag), action: 'index', reason };
}

/** Records outcomes by tag, such as `skipped gone`, in a run of its own. */
async function record(outcomes: Readonly<Record<string, string>>, identity = IDENTITY) {
  const state = await openStateFile(path, identity);
  await Promise.all(
    Object.entries(outcomes).map(([tag, text]) => {
      const { action: _, reason: __, ...image } = planned(tag);
      const [outcome, reason] = text.split(' ') as [ImageOutcome['outcome'], string?];
      return state.record({ ...image, outcome, ...(reason !== undefined && { reason }), seconds: 1 });
    }),
  );
  await state.close();
}

/** Returns the images that the file says are finished, and the notes. */
async function reopen(items: readonly (PlannedImage | CurrentImage)[], identity = IDENTITY) {
  const state = await openStateFile(path, identity);
  const finished = items.filter((item) => state.isFinished(item)).map(({ tag }) => tag);
  await state.close();
  return { finished, notes: state.notes };
}

const lines = async () => (await readFile(path, 'utf8')).trimEnd().split('\n');

describe('a state file', () => {
  it('has a line for each run and each image', async () => {
    await record({ v1: 'indexed', v2: 'failed' });
    const [run, ...images] = (await lines()).map((line) => JSON.parse(line));
    expect(run).toMatchObject({ type: 'run', schemaVersion: 1, ...IDENTITY });
    expect(images).toMatchObject([
      { type: 'image', repository: 'app', tag: 'v1', digest: digest('v1'), outcome: 'indexed', seconds: 1 },
      { type: 'image', tag: 'v2', outcome: 'failed' },
    ]);
  });

  it('has a later run try what failed, and not what has nothing to index', async () => {
    await record({ v1: 'skipped layers-too-small', v2: 'failed try-again', v3: 'skipped gone' });
    expect((await reopen(['v1', 'v2', 'v3', 'v4'].map((tag) => planned(tag)))).finished).toEqual(['v1', 'v3']);
    await record({ v1: 'failed' });
    expect((await reopen([planned('v1')])).finished).toEqual([]);
  });

  it('does not count an index that was deleted since then', async () => {
    await record({ v1: 'indexed', v2: 'indexed', v3: 'skipped already-indexed' });
    const items = [planned('v1'), planned('v2', 'not-visible'), planned('v3', 'not-visible')];
    expect((await reopen(items)).finished).toEqual(['v2', 'v3']);
    const current = { ...planned('v1'), action: 'current', reason: 'same-source' } as const;
    expect((await reopen([current])).finished).toEqual(['v1']);
  });

  it('does not count outcomes of runs with other settings', async () => {
    await record({ v1: 'skipped' });
    const other = { ...IDENTITY, policy: digest('other') };
    expect((await reopen([planned('v1')], other)).finished).toEqual([]);
    expect((await reopen([planned('v1')])).finished).toEqual(['v1']);
  });

  it('does not count the outcome of another image with the same tag', async () => {
    await record({ v1: 'skipped' });
    expect((await reopen([{ ...planned('v1'), digest: digest('moved') }])).finished).toEqual([]);
  });
});

describe('is repaired with a note:', () => {
  it.each(['{"type":"image","repository":"app","ta', '{"type":"image"', '\0\0\0\0', '{}\n'])(
    'a last line that was cut: %j',
    async (rest) => {
      await record({ v1: 'skipped' });
      await appendFile(path, rest);
      const { finished, notes } = await reopen([planned('v1')]);
      expect(finished).toEqual(['v1']);
      expect(notes).toEqual([`${path}: removed the last line, which was cut (${rest.length} bytes)`]);
      expect((await reopen([])).notes).toEqual([]);
    },
  );

  it('a first line that was cut', async () => {
    await writeFile(path, '{"type":"run","sch');
    expect((await reopen([])).notes).toHaveLength(1);
    expect(await lines()).toHaveLength(1);
  });
});

describe('is rejected, and not changed:', () => {
  const RUN = JSON.stringify({ type: 'run', schemaVersion: 1, ...IDENTITY });
  it.each([
    ['a file of something else', 'hello world\n', 'line 1 is not one of a state file: "hello world"'],
    ['a file without a line feed', 'x', 'line 1 is not one of a state file: "x"'],
    ['JSON of something else', '{"name":"x"}\n{"name":"y"}\n', 'line 1 is not one of a state file'],
    ['a damaged line in the middle', `${RUN}\n{"type":\n${RUN}\n`, 'line 2 is not one of a state file'],
    [
      'a newer version',
      `${RUN.replace('"schemaVersion":1', '"schemaVersion":2')}\n`,
      'schema version 2, which is newer',
    ],
    ['another registry', `${RUN.replace('registry.example', 'other.example')}\n`, 'registry "other.example"'],
    ['a line without end', `${RUN}\n${'x'.repeat(200_000)}`, 'line 2 is not one of a state file'],
  ])('%s', async (_, content, problem) => {
    await writeFile(path, content);
    await expect(openStateFile(path, IDENTITY)).rejects.toMatchObject({
      code: 'STATE_INVALID',
      message: expect.stringContaining(problem),
    });
    expect(await readFile(path, 'utf8')).toBe(content);
  });
});

describe('the lock of a state file', () => {
  it('has a second run fail', async () => {
    const state = await openStateFile(path, IDENTITY);
    await expect(openStateFile(path, IDENTITY)).rejects.toMatchObject({
      code: 'STATE_LOCKED',
      message: expect.stringContaining(`process ${process.pid} of ${hostname()}`),
    });
    await state.close();
    await (await openStateFile(path, IDENTITY)).close();
  });

  it('of a dead process is taken over with a note', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(`${path}.lock`, JSON.stringify({ pid: child.pid, host: hostname() }));
    expect((await reopen([])).notes).toEqual([
      `${path}.lock is of process ${child.pid}, which no longer runs: taken over`,
    ]);
  });

  it('of a process that runs, or of another machine, is kept', async () => {
    for (const owner of [
      { pid: process.ppid, host: hostname() },
      { pid: 1, host: 'another-machine' },
    ]) {
      await writeFile(`${path}.lock`, JSON.stringify(owner));
      await expect(openStateFile(path, IDENTITY)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    }
  });
});

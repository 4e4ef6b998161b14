import { expect, test } from 'vitest';
import { makeFunctionFolder, OBEDIENT } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import type { Invocation } from './invocation.ts';

/** Returns when as many calls as its event says are under way together. */
const MEETING = `
  import { readdirSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';

  export async function handler({ id, guests }) {
    writeFileSync(\`here-\${id}\`, '');
    while (readdirSync('.').filter((name) => name.startsWith('here-')).length < guests) await sleep(10);
    return process.pid;
  }
`;

async function startWith(source: string, options: { timeout?: number; concurrency?: number } = {}) {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(source), ...options });
  return lambda;
}

function resultOf({ outcome }: Invocation): unknown {
  return outcome.status === 'success' ? outcome.result : outcome;
}

test('a process is started for the first invocation, and used again', async () => {
  const lambda = await startWith(OBEDIENT);
  const first = await lambda.invoke('worker', { a: 1 });
  const second = await lambda.invoke('worker', { a: 2 });
  const { pid } = resultOf(first) as { pid: number };
  expect(resultOf(first)).toEqual({ a: 1, calls: 1, pid });
  expect(resultOf(second)).toEqual({ a: 2, calls: 2, pid });
  expect(first.isCold).toBe(true);
  expect(first.initMilliseconds).toBeGreaterThan(0);
  expect(second.isCold).toBe(false);
  expect(second).not.toHaveProperty('initMilliseconds');
});

test('also after an error', async () => {
  const lambda = await startWith(OBEDIENT);
  const failed = await lambda.invoke('worker', { fail: 'no' });
  expect(failed.outcome).toEqual({ status: 'error', errorType: 'Refused', errorMessage: 'no' });
  expect((await lambda.invoke('worker', {})).isCold).toBe(false);
});

test('not after an invocation that took too long: that is killed', async () => {
  const lambda = await startWith(OBEDIENT, { timeout: 1 });
  const late = await lambda.invoke('worker', { say: 'begun', sleepFor: 60_000 });
  expect(late).toMatchObject({ outcome: { status: 'timeout' }, log: ['begun'] });
  expect(late.milliseconds).toBeGreaterThan(900);
  expect(late.milliseconds).toBeLessThan(30_000);
  const next = await lambda.invoke('worker', {});
  expect(next).toMatchObject({ isCold: true, outcome: { status: 'success' } });
});

test.each([
  [0, 'Runtime exited without providing a reason'],
  [3, 'Runtime exited with error: exit status 3'],
])('nor after one that ended the process with %i', async (exit, message) => {
  const lambda = await startWith(OBEDIENT);
  const crashed = await lambda.invoke('worker', { say: 'farewell', exit });
  expect(crashed).toMatchObject({ outcome: { status: 'crash', message }, log: ['farewell'] });
  expect((await lambda.invoke('worker', {})).isCold).toBe(true);
});

test('nor where the process ends between two invocations', async () => {
  const lambda = await startWith(`export const handler = async () => process.pid;`);
  const first = await lambda.invoke('worker', {});
  process.kill(resultOf(first) as number, 'SIGKILL');
  const outcomes = [await lambda.invoke('worker', {}), await lambda.invoke('worker', {})];
  expect(outcomes.at(-1)?.outcome.status).toBe('success');
  expect(resultOf(outcomes.at(-1) as Invocation)).not.toBe(resultOf(first));
});

test('while all are busy, another is started', async () => {
  const lambda = await startWith(MEETING, { concurrency: 3, timeout: 60 });
  const done = await Promise.all([1, 2, 3].map((id) => lambda.invoke('worker', { id, guests: 3 })));
  expect(new Set(done.map(resultOf)).size).toBe(3);
  expect(done.every(({ isCold }) => isCold)).toBe(true);
});

test('up to the limit; further invocations wait, first come first served', async () => {
  const lambda = await startWith(OBEDIENT, { concurrency: 1 });
  await Promise.all([1, 2, 3, 4].map((n) => lambda.invoke('worker', { n })));
  expect(lambda.invocations.map(resultOf)).toMatchObject([1, 2, 3, 4].map((n) => ({ n, calls: n })));
  expect(lambda.invocations.map(({ isCold }) => isCold)).toEqual([true, false, false, false]);
});

test('what a function writes belongs to the invocation that it writes it in', async () => {
  const lambda = await startWith(`
    console.error('loading');
    export async function handler({ lines }) {
      for (let i = 0; i < lines; i += 1) console.log('line ' + i);
      process.stdout.write('no end');
    }
  `);
  expect((await lambda.invoke('worker', { lines: 1 })).log).toEqual(['loading', 'line 0', 'no end']);
  const { log } = await lambda.invoke('worker', { lines: 30_000 });
  expect(log).toHaveLength(30_001);
  expect(log.slice(-2)).toEqual(['line 29999', 'no end']);
});

test.runIf(process.platform === 'linux')('the most memory that the process has held is known', async () => {
  const lambda = await startWith(`
    let kept;
    export async function handler({ size }) { kept = Buffer.alloc(size, 1); return kept.length; }
  `);
  const { maxMemory: small = 0 } = await lambda.invoke('worker', { size: 1 });
  const { maxMemory: large = 0 } = await lambda.invoke('worker', { size: 100_000_000 });
  expect(small).toBeGreaterThan(10_000_000);
  expect(large - small).toBeGreaterThan(80_000_000);
});

test('a launcher goes before the program', async () => {
  const lambda = await startLambdaForTest();
  const folder = makeFunctionFolder(`export const handler = async () => process.env.LAUNCHED;`);
  const launcher = [process.execPath, '-e', LAUNCHER];
  lambda.createFunction({ name: 'worker', folder, launcher });
  expect(resultOf(await lambda.invoke('worker', {}))).toBe('yes');
});

/** Runs the rest of its words with a variable more. */
const LAUNCHER = `
  const { spawn } = require('node:child_process');
  const [program, ...words] = process.argv.slice(1);
  process.env.LAUNCHED = 'yes';
  spawn(program, words, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
`;

test('a program that is not there is a crash', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(''), runtimeClient: ['no-such-program'] });
  const { outcome } = await lambda.invoke('worker', {});
  expect(outcome).toMatchObject({ status: 'crash', message: expect.stringContaining('ENOENT') });
});

test('when it stops, nothing is left', async () => {
  const lambda = await startWith(OBEDIENT, { concurrency: 1, timeout: 60 });
  const { pid } = resultOf(await lambda.invoke('worker', {})) as { pid: number };
  const running = lambda.invoke('worker', { sleepFor: 60_000 });
  const waiting = lambda.invoke('worker', {});
  lambda.enqueue('worker', {});
  const stopped = { code: 'STOPPED' };
  const ends = [expect(running).rejects.toMatchObject(stopped), expect(waiting).rejects.toMatchObject(stopped)];
  await lambda.stop();
  await Promise.all([...ends, lambda.idle()]);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(() => lambda.enqueue('worker', {})).toThrow('stopped');
  await expect(fetch(lambda.endpoint)).rejects.toThrow();
});

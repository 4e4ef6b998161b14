import { expect, test } from 'vitest';
import { makeFunctionFolder, SCRIPTED } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import type { Invocation } from './invocation.ts';

/** Returns when the number of concurrent calls reaches the number in the event. */
const BARRIER = `
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

test('starts a process for the first invocation and reuses it', async () => {
  const lambda = await startWith(SCRIPTED);
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

test('reuses a process after an error', async () => {
  const lambda = await startWith(SCRIPTED);
  const failed = await lambda.invoke('worker', { fail: 'no' });
  expect(failed.outcome).toEqual({ status: 'error', errorType: 'Rejected', errorMessage: 'no' });
  expect((await lambda.invoke('worker', {})).isCold).toBe(false);
});

test('kills a process after a timeout', async () => {
  const lambda = await startWith(SCRIPTED, { timeout: 1 });
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
])('does not reuse a process that exited with %i', async (exit, message) => {
  const lambda = await startWith(SCRIPTED);
  const crashed = await lambda.invoke('worker', { say: 'farewell', exit });
  expect(crashed).toMatchObject({ outcome: { status: 'crash', message }, log: ['farewell'] });
  expect((await lambda.invoke('worker', {})).isCold).toBe(true);
});

test('starts another process if the first one exits between two invocations', async () => {
  const lambda = await startWith(`export const handler = async () => process.pid;`);
  const first = await lambda.invoke('worker', {});
  process.kill(resultOf(first) as number, 'SIGKILL');
  const outcomes = [await lambda.invoke('worker', {}), await lambda.invoke('worker', {})];
  expect(outcomes.at(-1)?.outcome.status).toBe('success');
  expect(resultOf(outcomes.at(-1) as Invocation)).not.toBe(resultOf(first));
});

test('starts another process if all are busy', async () => {
  const lambda = await startWith(BARRIER, { concurrency: 3, timeout: 60 });
  const done = await Promise.all([1, 2, 3].map((id) => lambda.invoke('worker', { id, guests: 3 })));
  expect(new Set(done.map(resultOf)).size).toBe(3);
  expect(done.every(({ isCold }) => isCold)).toBe(true);
});

test('queues invocations in order if the limit is reached', async () => {
  const lambda = await startWith(SCRIPTED, { concurrency: 1 });
  await Promise.all([1, 2, 3, 4].map((n) => lambda.invoke('worker', { n })));
  expect(lambda.invocations.map(resultOf)).toMatchObject([1, 2, 3, 4].map((n) => ({ n, calls: n })));
  expect(lambda.invocations.map(({ isCold }) => isCold)).toEqual([true, false, false, false]);
});

test('assigns output to the current invocation', async () => {
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

test.runIf(process.platform === 'linux')('reports the peak memory of the process', async () => {
  const lambda = await startWith(`
    let kept;
    export async function handler({ size }) { kept = Buffer.alloc(size, 1); return kept.length; }
  `);
  const { maxMemory: small = 0 } = await lambda.invoke('worker', { size: 1 });
  const { maxMemory: large = 0 } = await lambda.invoke('worker', { size: 100_000_000 });
  expect(small).toBeGreaterThan(10_000_000);
  expect(large - small).toBeGreaterThan(80_000_000);
});

test('runs the launcher in front of the program', async () => {
  const lambda = await startLambdaForTest();
  const folder = makeFunctionFolder(`export const handler = async () => process.env.LAUNCHED;`);
  const launcher = [process.execPath, '-e', LAUNCHER];
  lambda.createFunction({ name: 'worker', folder, launcher });
  expect(resultOf(await lambda.invoke('worker', {}))).toBe('yes');
});

/** Runs its arguments as a command with an additional variable. */
const LAUNCHER = `
  const { spawn } = require('node:child_process');
  const [program, ...words] = process.argv.slice(1);
  process.env.LAUNCHED = 'yes';
  spawn(program, words, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
`;

test('reports a missing program as a crash', async () => {
  const lambda = await startLambdaForTest();
  lambda.createFunction({ name: 'worker', folder: makeFunctionFolder(''), runtimeClient: ['no-such-program'] });
  const { outcome } = await lambda.invoke('worker', {});
  expect(outcome).toMatchObject({ status: 'crash', message: expect.stringContaining('ENOENT') });
});

test('stop kills all processes', async () => {
  const lambda = await startWith(SCRIPTED, { concurrency: 1, timeout: 60 });
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

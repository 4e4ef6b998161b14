import { expect, onTestFinished, test } from 'vitest';
import { makeFunctionFolder } from '../fixtures/function-folder.ts';
import { startLambdaForTest } from '../fixtures/running.ts';
import { type CgroupLimits, type FunctionCgroup, makeFunctionCgroup } from './cgroup.ts';

const MIB = 2 ** 20;

const probe = makeFunctionCgroup({ memory: 512 * MIB, processors: 1 });
probe?.remove();
const limitedTest = test.skipIf(probe === undefined);

/** Starts a function with limits. Returns the group, and a function that invokes it. */
async function startLimited(source: string, limits: CgroupLimits) {
  const cgroup = makeFunctionCgroup(limits) as FunctionCgroup;
  onTestFinished(() => cgroup.remove());
  const lambda = await startLambdaForTest();
  const { launcher } = cgroup;
  lambda.createFunction({ name: 'limited', folder: makeFunctionFolder(source), launcher, timeout: 60 });
  return { cgroup, invoke: async (event: unknown) => (await lambda.invoke('limited', event)).outcome };
}

limitedTest('a function that exceeds the memory of its control group is killed', async () => {
  const source = 'export const handler = async (size) => Buffer.alloc(size, 1).length;';
  const { cgroup, invoke } = await startLimited(source, { memory: 128 * MIB });
  expect(await invoke(MIB)).toEqual({ status: 'success', result: MIB });
  expect(cgroup.peakMemory()).toBeGreaterThan(MIB);
  expect(await invoke(256 * MIB)).toMatchObject({ status: 'crash' });
});

limitedTest('a function gets no more processor time than its control group has', async () => {
  const source = `
    export const handler = async (milliseconds) => {
      const [start, before] = [performance.now(), process.cpuUsage()];
      while (performance.now() - start < milliseconds);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000 / (performance.now() - start);
    };
  `;
  const { cgroup, invoke } = await startLimited(source, { memory: 512 * MIB, processors: 0.25 });
  const outcome = await invoke(1000);
  expect(outcome).toMatchObject({ status: 'success', result: expect.any(Number) });
  // A period that has begun counts whole.
  expect(outcome.status === 'success' && outcome.result).toBeLessThan(0.3);
  expect(cgroup.processorSeconds()).toBeGreaterThan(0);
});

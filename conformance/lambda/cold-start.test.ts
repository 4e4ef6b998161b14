// Measures cold starts relative to those of an empty function on the same runtime, in alternation. bundles.test.ts limits
// the code that a start reads.
import { startTestLambda, type TestFunctionOptions } from '@soci/test-aws';
import { describe, expect, test } from 'vitest';
import { pushEvent } from '../../packages/filter/src/fixtures/events.ts';
import { REPORTS } from '../run-report.ts';
import { writeFunction } from './bundle/unpacked.ts';
import { filterFunction, generatorFunction } from './functions.ts';
import { RUNTIMES } from './runtimes.ts';

/** Starts of each function. */
const STARTS = 9;

const EMPTY = 'export const handler = async () => ({});\n';
const NOWHERE = { endpoint: 'http://127.0.0.1:9' };
const NO_REGISTRY = { host: '127.0.0.1:9', awsEndpoint: 'http://127.0.0.1:9' };

/** Events that need no network: no filter matches the push, and the other event is invalid. */
const PUSH = { ...pushEvent(), region: 'us-east-1' };
const DELETION = { ...pushEvent({ 'action-type': 'DELETE' }), region: 'us-east-1' };

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(runtime.name, () => {
    test(`cold starts of filter and generator relative to an empty function, median of ${STARTS} rounds`, async () => {
      const functions: Readonly<Record<string, TestFunctionOptions>> = {
        empty: { name: 'empty', folder: writeFunction('empty', EMPTY), runtimeClient: runtime.program() },
        filter: filterFunction(runtime, NOWHERE, { environment: { soci_repository_image_tag_filters: 'other:*' } }),
        generator: generatorFunction(runtime, NO_REGISTRY),
      };
      const samples: Record<string, number[]> = { empty: [], filter: [], generator: [] };
      for (let turn = 0; turn <= STARTS; turn += 1) {
        for (const [name, options] of Object.entries(functions)) {
          const milliseconds = await start(options, name === 'generator' ? DELETION : PUSH);
          // The first start reads files that are not cached.
          if (turn > 0) samples[name]?.push(milliseconds);
        }
      }
      const ratioTo = (name: string) =>
        median((samples[name] ?? []).map((each, turn) => each / (samples.empty?.[turn] ?? 0)));
      expect(Object.values(samples).map(({ length }) => length)).toEqual([STARTS, STARTS, STARTS]);
      REPORTS.lambda.measured(`cold start, ${runtime.name}`, {
        'empty, ms': median(samples.empty ?? []),
        'filter, ms': median(samples.filter ?? []),
        'generator, ms': median(samples.generator ?? []),
        // Of one round each, because the load of the machine changes.
        'filter / empty': ratioTo('filter'),
        'generator / empty': ratioTo('generator'),
      });
    });
  });
}

/** Returns the time from the start of the process to its first result, in milliseconds. */
async function start(options: TestFunctionOptions, event: object): Promise<number> {
  const lambda = await startTestLambda();
  try {
    lambda.createFunction(options);
    const { outcome, initMilliseconds = Number.NaN, milliseconds, log } = await lambda.invoke(options.name, event);
    if (outcome.status !== 'success') throw new Error(`${JSON.stringify(outcome)}\n${log.join('\n')}`);
    return initMilliseconds + milliseconds;
  } finally {
    await lambda.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

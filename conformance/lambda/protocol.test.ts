// Both functions under AWS's runtime client: their results, their errors, and what they write to the registry.
import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import { describe, expect, test } from 'vitest';
import { pushEvent } from '../../packages/filter/src/fixtures/events.ts';
import { goldenImage } from '../registries/golden-layout.ts';
import { writeFunction } from './bundle/unpacked.ts';
import { FILTER, filterFunction, GENERATOR, generatorFunction } from './functions.ts';
import { pushLayout } from './push.ts';
import { RUNTIMES, startEcr, startLambda } from './runtimes.ts';
import { resultOf, Workflow } from './workflow.ts';

const ECHO = 'export const handler = async (event) => event;\n';

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isAvailable)(`${runtime.name}: the filter`, () => {
    /** Deploys the filter, and instead of the generator a function that records its invocations. */
    async function deploy(environment: Readonly<Record<string, string>> = {}) {
      const lambda = await startLambda();
      lambda.createFunction({ name: GENERATOR, folder: writeFunction('echo', ECHO), node: runtime.node() });
      lambda.createFunction(filterFunction(runtime, lambda, { environment }));
      const filter = async (event: unknown) => {
        const invocation = await lambda.invoke(FILTER, event);
        await lambda.idle();
        return invocation;
      };
      const invoked = () => lambda.invocations.filter(({ functionName }) => functionName === GENERATOR);
      return { filter, invoked };
    }
    const event = { ...pushEvent(), region: 'us-east-1' };

    test('invokes the generator asynchronously with the unchanged event', async () => {
      const { filter, invoked } = await deploy();
      const answer = resultOf<FilterResponse>(await filter(event));
      expect(answer).toMatchObject({ statusCode: 200 });
      expect(invoked()).toMatchObject([{ type: 'Event', payload: event, outcome: { status: 'success' } }]);
      expect(answer.body).toContain(invoked()[0]?.requestId);
    });

    test('does not invoke the generator for an image that no filter matches', async () => {
      const { filter, invoked } = await deploy({ soci_repository_image_tag_filters: 'other:*' });
      const answer = resultOf<FilterResponse>(await filter(event));
      expect(answer).toMatchObject({ statusCode: 200, body: expect.stringContaining('did not match') });
      expect(invoked()).toEqual([]);
    });

    test('rejects an invalid event with 400 and the name of the field', async () => {
      const { filter, invoked } = await deploy();
      const answer = resultOf<FilterResponse>(await filter({ ...event, account: '12345' }));
      expect(answer).toMatchObject({ statusCode: 400, body: expect.stringContaining('account') });
      expect(invoked()).toEqual([]);
    });

    test('fails to start without a required variable, and names it', async () => {
      const { filter, invoked } = await deploy({ soci_repository_image_tag_filters: '' });
      const { outcome } = await filter(event);
      expect(outcome).toMatchObject({
        status: 'error',
        errorMessage: expect.stringContaining('soci_repository_image_tag_filters is missing'),
      });
      expect(invoked()).toEqual([]);
    });
  });

  describe.skipIf(!runtime.isAvailable)(`${runtime.name}: the generator`, () => {
    /** Deploys the generator, and returns the event of a pushed image. */
    async function deploy() {
      const registry = await startEcr();
      const lambda = await startLambda();
      lambda.createFunction(generatorFunction(runtime, registry));
      await pushLayout(registry, 'team/app', 'v1', goldenImage('single-oci').folder);
      const [event] = registry.events;
      return { registry, lambda, event };
    }

    test('indexes a pushed image, and skips it the next time', async () => {
      const { registry, lambda, event } = await deploy();
      const first = resultOf<GeneratorResponse>(await lambda.invoke(GENERATOR, event));
      expect(first).toMatchObject({ statusCode: 200, outcome: 'indexed', version: 2, outputTag: 'v1-soci' });
      expect(registry.tags('team/app')).toEqual(['v1', 'v1-soci']);
      expect(registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
      const second = await lambda.invoke(GENERATOR, event);
      expect(second.isCold).toBe(false);
      expect(resultOf<GeneratorResponse>(second)).toMatchObject({ outcome: 'skipped', reason: 'already-indexed' });
    });

    test('throws temporary errors, so that Lambda retries and succeeds', async () => {
      const { registry, lambda, event } = await deploy();
      const fault = { kind: 'status', status: 503, retryAfter: 0 } as const;
      // More failures than the registry client retries.
      const injected = registry.inject({
        on: { port: 'storage', method: 'GET' },
        times: Number.POSITIVE_INFINITY,
        fault,
      });
      lambda.onInvocation(() => injected.remove());
      lambda.enqueue(GENERATOR, event);
      await lambda.idle();
      expect(injected.hits).toBeGreaterThan(1);
      expect(lambda.invocations).toMatchObject([
        { attempt: 1, outcome: { status: 'error', errorType: 'FunctionError' } },
        { attempt: 2, outcome: { status: 'success', result: { outcome: 'indexed' } } },
      ]);
      expect(lambda.abandoned).toEqual([]);
      expect(registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
    });
  });

  test.skipIf(!runtime.isAvailable)(`${runtime.name}: filter and generator index a push`, async () => {
    const workflow = await Workflow.start({ runtime });
    await pushLayout(workflow.registry, 'team/app', 'v1', goldenImage('multi').folder);
    await workflow.settle();
    expect(workflow.registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
  });
}

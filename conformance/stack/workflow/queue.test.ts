// A stack that changes its delivery from asynchronous invocation to a queue and back, in moto. The deployed functions run in a
// local Lambda, which also reads the queue with the settings of the deployed event source mapping.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FILTER_BUNDLE, GENERATOR_BUNDLE, type GeneratorResponse } from '@soci/functions';
import { matchesEventPattern, startEventSourceMapping, startTestLambda, type TestLambda } from '@soci/test-aws';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTool } from '../../tools/tools.ts';
import { type DeployedFunction, getFunction, getRolePolicies, listRules } from '../aws/deployed.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { callSqs, type DeployedQueue, listMappings, listQueues } from '../aws/queues.ts';
import { bootstrap, DeployedStack } from '../aws/stack.ts';
import { createTestFunction } from '../aws/test-function.ts';
import { allows, type Call, type Policy, unusedPermissions } from '../iam/policy.ts';
import { readTemplate, type TemplateName, templatePath } from '../templates/templates.ts';
import { callsOfLog } from './calls.ts';

/** Larger than 10 MiB, below which layers are not indexed. */
const LARGE = 12 << 20;

/** The functions of a stack with their deployed settings. */
interface Running {
  readonly lambda: TestLambda;
  readonly filter: DeployedFunction;
  readonly generator: DeployedFunction;
}

describe.skipIf(findTool('moto') === undefined)('a stack whose delivery changes', { timeout: 300_000 }, () => {
  let registry: TestRegistry;
  let moto: Moto;
  let stack: DeployedStack;
  const running: Running[] = [];

  beforeAll(async () => {
    registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true, autoCreate: true });
    moto = await startMoto();
    await bootstrap(moto.aws, [templatePath('default-props'), templatePath('queued')]);
    stack = await DeployedStack.create(moto.aws, 's', {}, templatePath('default-props'));
    await start('default-props');
  });
  afterAll(async () => {
    await Promise.all(running.map(({ lambda }) => lambda.stop()));
    await Promise.all([moto.stop(), registry.stop()]);
  });

  /** Starts the functions of the stack with the settings that they have now. */
  async function start(template: TemplateName): Promise<Running> {
    const { aws } = moto;
    const lambda = await startTestLambda({ retryDelay: 10 });
    const filter = await getFunction(aws, stack, functionId(template, 'ECRImageActionEventFilteringLambda'));
    const generator = await getFunction(aws, stack, functionId(template, 'SociIndexGeneratorLambda'));
    const endpoints = { AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint, AWS_ENDPOINT_URL_SQS: aws.url };
    createTestFunction(lambda, filter, readFileSync(FILTER_BUNDLE.zip), endpoints);
    createTestFunction(lambda, generator, readFileSync(GENERATOR_BUNDLE.zip), {
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      soci_registry_host: registry.host,
    });
    const started = { lambda, filter, generator };
    running.push(started);
    return started;
  }

  /** The functions with the latest settings. */
  const latest = () => running.at(-1) as Running;

  /** Pushes an image and delivers its event to the filter function that EventBridge would invoke. */
  async function push(tag: string, to: Running = latest()): Promise<void> {
    const before = registry.events.length;
    await pushImage(registry, 'prod/app', tag, makeImage([makeLayer(tag, LARGE)]));
    const [rule] = await listRules(moto.aws);
    const pattern = JSON.parse(rule?.EventPattern ?? '{}') as object;
    for (const event of registry.events.slice(before)) {
      if (matchesEventPattern(pattern, event)) to.lambda.enqueue(to.filter.FunctionName, event);
    }
  }

  /** Reads a queue as the deployed event source mapping does, until it is empty. */
  async function drain(): Promise<void> {
    const { lambda, generator } = latest();
    const [mapping, ...others] = await listMappings(moto.aws);
    expect(others).toEqual([]);
    expect(mapping).toMatchObject({ BatchSize: 1, State: 'Enabled', FunctionArn: generator.FunctionArn });
    const queue = (await listQueues(moto.aws)).find(({ arn }) => arn === mapping?.EventSourceArn);
    const reader = startEventSourceMapping({
      lambda,
      functionName: generator.FunctionName,
      endpoint: moto.aws.url,
      queueUrl: queue?.url ?? '',
      queueArn: queue?.arn ?? '',
      maximumConcurrency: mapping?.ScalingConfig?.MaximumConcurrency ?? 0,
    });
    await reader.idle();
    await reader.stop();
    await lambda.idle();
  }

  /** The queue of events, and its dead-letter queue. */
  async function queues(): Promise<readonly [work: DeployedQueue, failed: DeployedQueue]> {
    const all = await listQueues(moto.aws);
    const work = all.find(({ redrive }) => redrive !== undefined);
    const failed = all.find(({ arn }) => arn === work?.redrive?.deadLetterTargetArn);
    if (work === undefined || failed === undefined || all.length !== 2) throw new Error(`${all.length} queues`);
    return [work, failed];
  }

  const waiting = async () => (await queues())[0].messages.visible;

  /** Outcomes of the generator by tag. */
  function outcomes(): Record<string, string[]> {
    const answers = running.flatMap(({ lambda, generator }) =>
      lambda.invocations
        .filter(({ functionName }) => functionName === generator.FunctionName)
        .map(({ outcome, log }) => {
          if (outcome.status !== 'success') throw new Error(`${JSON.stringify(outcome)}\n${log.join('\n')}`);
          return outcome.result as GeneratorResponse;
        }),
    );
    const groups = Object.groupBy(answers, ({ tag = '' }) => tag);
    return Object.fromEntries(
      Object.entries(groups).map(([tag, all = []]) => [
        tag,
        all.map((each) => ('reason' in each ? each.reason : each.outcome)),
      ]),
    );
  }

  test('invokes the generator asynchronously by default, and has no queue', async () => {
    await push('v1');
    await latest().lambda.idle();
    expect(outcomes()).toEqual({ v1: ['indexed'] });
    expect([await listQueues(moto.aws), await listMappings(moto.aws)]).toEqual([[], []]);
  });

  test('queues events after an update, while the previous functions still have events', async () => {
    const previous = latest();
    await stack.update({}, templatePath('queued'));
    expect(await stack.status()).toBe('UPDATE_COMPLETE');
    await start('queued');
    await push('v2', previous);
    await push('v3');
    await Promise.all([previous.lambda.idle(), latest().lambda.idle()]);
    expect(outcomes()).toEqual({ v1: ['indexed'], v2: ['indexed'] });
    const [work, failed] = await queues();
    expect(work).toMatchObject({ messages: { visible: 1 }, visibilityTimeout: 5400, redrive: { maxReceiveCount: 5 } });
    expect(failed.messages).toEqual({ visible: 0, inFlight: 0 });
    await drain();
    expect(outcomes()).toEqual({ v1: ['indexed'], v2: ['indexed'], v3: ['indexed'] });
    expect(await waiting()).toBe(0);
  });

  describe('with the queue', () => {
    let policies: { filter: Policy[]; generator: Policy[] };
    let sqsCalls: { filter: Call[]; generator: Call[] };

    beforeAll(async () => {
      const { filter, generator } = latest();
      policies = {
        filter: await getRolePolicies(moto.aws, filter),
        generator: await getRolePolicies(moto.aws, generator),
      };
      const [{ arn: resource }] = await queues();
      const call = (action: string) => ({ action, resource });
      sqsCalls = {
        filter: [call('sqs:SendMessage'), ...callsOfLog(filter.FunctionName)],
        // The first three are those of the event source mapping.
        generator: ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes', 'ChangeMessageVisibility'].map((name) =>
          call(`sqs:${name}`),
        ),
      };
    });

    test('the role of the filter allows sending an event, and nothing else', () => {
      expect(sqsCalls.filter.filter((call) => !allows(policies.filter, call))).toEqual([]);
      expect(unusedPermissions(policies.filter, sqsCalls.filter)).toEqual([]);
    });

    test('the role of the generator allows receiving events, but not sending them', () => {
      expect(sqsCalls.generator.filter((call) => !allows(policies.generator, call))).toEqual([]);
      const unused = unusedPermissions(policies.generator, sqsCalls.generator).map((each) => JSON.stringify(each));
      expect(unused.filter((each) => each.includes('sqs:'))).toEqual([]);
      expect(sqsCalls.filter.slice(0, 1).filter((call) => allows(policies.generator, call))).toEqual([]);
    });
  });

  test('redrives events from the dead-letter queue', async () => {
    await push('v4');
    await latest().lambda.idle();
    const [work, failed] = await queues();
    // Five attempts that fail at once, like invocations that end without an outcome.
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const input = { QueueUrl: work.url, VisibilityTimeout: 0 };
      const { Messages = [] } = await callSqs<{ Messages?: unknown[] }>(moto.aws, 'ReceiveMessage', input);
      expect(Messages).toHaveLength(1);
      await sleep(10);
    }
    await drain();
    expect(outcomes()).not.toHaveProperty('v4');
    expect((await queues()).map(({ messages }) => messages.visible)).toEqual([0, 1]);

    await expect(callSqs(moto.aws, 'StartMessageMoveTask', { SourceArn: work.arn })).rejects.toThrow(
      'Dead Letter Queue',
    );
    await callSqs(moto.aws, 'StartMessageMoveTask', { SourceArn: failed.arn });
    expect((await queues()).map(({ messages }) => messages.visible)).toEqual([1, 0]);
    await drain();
    expect(outcomes()).toMatchObject({ v4: ['indexed'] });
  });

  test('keeps the queue and its mapping when it invokes the generator asynchronously again', async () => {
    await push('v5');
    await push('v6');
    await latest().lambda.idle();
    const before = { queues: await queues(), mappings: await listMappings(moto.aws) };
    expect(await waiting()).toBe(2);
    const previous = latest();
    await stack.update({}, templatePath('default-props'));
    expect(await stack.status()).toBe('UPDATE_COMPLETE');
    const types = [...(await stack.resources()).values()].map(({ ResourceType }) => ResourceType);
    expect(types.filter((type) => /SQS|EventSourceMapping/.test(type))).toEqual([]);
    expect({ queues: await queues(), mappings: await listMappings(moto.aws) }).toEqual(before);

    await start('default-props');
    // Lambda still has an event for the previous filter function, which sends it to the queue.
    await push('v7', previous);
    await push('v8');
    await Promise.all([previous.lambda.idle(), latest().lambda.idle()]);
    expect(outcomes()).toMatchObject({ v8: ['indexed'] });
    expect(await waiting()).toBe(3);
    await drain();
    expect(await waiting()).toBe(0);
  });

  test('has indexed every image once', () => {
    const tags = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8'];
    expect(outcomes()).toEqual(Object.fromEntries(tags.map((tag) => [tag, ['indexed']])));
    expect(registry.tags('prod/app')).toEqual(tags.flatMap((tag) => [tag, `${tag}-soci`]));
    expect(running.flatMap(({ lambda }) => lambda.abandoned)).toEqual([]);
  });

  test('keeps the queue when it is deleted', async () => {
    const deleted = await DeployedStack.create(moto.aws, 'd', {}, templatePath('queued'));
    const before = (await listQueues(moto.aws)).map(({ arn }) => arn);
    expect(before).toHaveLength(4);
    await deleted.delete();
    expect((await listQueues(moto.aws)).map(({ arn }) => arn)).toEqual(before);
  });
});

/** Returns the logical id of a function of the construct `Soci`. */
function functionId(template: TemplateName, name: string): string {
  const all = Object.entries(readTemplate(template).Resources);
  const [[id] = []] = all.filter(
    ([key, { Type }]) => Type === 'AWS::Lambda::Function' && key.startsWith(`Soci${name}`),
  );
  if (id === undefined) throw new Error(`${template} has no function ${name}`);
  return id;
}

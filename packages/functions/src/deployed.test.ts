// Runs both bundled functions in processes with Lambda's Runtime API. A rule passes the events of a registry to the filter, which
// invokes the generator through Lambda's Invoke API.
import { gzipSync } from 'node:zlib';
import { eventPattern } from '@soci/filter';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import {
  type EventSourceMapping,
  type Invocation,
  startEventSourceMapping,
  startTestEventBridge,
  startTestLambda,
  startTestSqs,
  type TestEventBridge,
  type TestLambda,
  type TestQueue,
  type TestSqs,
} from '@soci/test-aws';
import {
  type Content,
  contentOf,
  METADATA_BOMBS,
  makeBrokenLayer,
  makeImage,
  makeLayer,
  manyEntries,
  pushImage,
} from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from './bundles.ts';

const FILTER = 'ECRImageActionEventFilteringLambda';
const GENERATOR = 'SociIndexGeneratorLambda';

let registry: TestRegistry;
let lambda: TestLambda;
let bridge: TestEventBridge;

beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
  lambda = await startTestLambda();
  bridge = await startTestEventBridge();
  registry.onEvent((event) => bridge.deliver(event));
});

afterEach(() => Promise.all([registry.stop(), lambda.stop(), bridge.stop()]));

/** Deploys both functions and the rule. */
function deploy({
  filter = {},
  generator = {},
  memorySize = 1769,
}: {
  filter?: object;
  generator?: object;
  memorySize?: number;
} = {}): void {
  const { arn } = lambda.createFunction({
    name: GENERATOR,
    ...GENERATOR_BUNDLE,
    timeout: 60,
    memorySize,
    environment: {
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bridge.endpoint,
      soci_min_layer_size: '1000',
      ...generator,
    },
  });
  lambda.createFunction({
    name: FILTER,
    ...FILTER_BUNDLE,
    timeout: 30,
    environment: {
      soci_repository_image_tag_filters: 'app:*',
      soci_index_generator_lambda_arn: arn,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      ...filter,
    },
  });
  bridge.putRule({
    name: 'ECRImageActionEventBridgeRule',
    pattern: eventPattern(),
    target: (event) => lambda.enqueue(FILTER, event),
  });
}

const invocationsOf = (name: string) => lambda.invocations.filter(({ functionName }) => functionName === name);

const resultOf = ({ outcome }: Invocation): unknown => (outcome.status === 'success' ? outcome.result : outcome);

describe('with member accounts', () => {
  /** Deploys the functions. The rule gets the events as if `account` had forwarded them. Pushes an image. */
  async function pushFrom(account: string): Promise<void> {
    const members = { soci_member_accounts: '111122223333, 444455556666' };
    deploy({ filter: members, generator: members });
    bridge.putRule({
      name: 'ECRImageActionEventBridgeRule',
      pattern: eventPattern(),
      target: (event) => lambda.enqueue(FILTER, { ...event, account }),
    });
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
  }

  it('indexes an image whose event a listed account forwarded', async () => {
    await pushFrom('111122223333');
    expect(invocationsOf(GENERATOR).map(resultOf)).toMatchObject([{ outcome: 'indexed', outputTag: 'v1-soci' }]);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
  });

  it('ignores an event of another account', async () => {
    await pushFrom('777788889999');
    expect(invocationsOf(FILTER).map(resultOf)).toMatchObject([
      { statusCode: 200, body: expect.stringContaining('it belongs to account 777788889999, not 123456789012 or a') },
    ]);
    expect(invocationsOf(GENERATOR)).toEqual([]);
    expect(registry.tags('app')).toEqual(['v1']);
  });

  it('ignores an event of another account that reaches the generator', async () => {
    await pushFrom('777788889999');
    const [event] = registry.events;
    lambda.enqueue(GENERATOR, { ...event, account: '777788889999' });
    await lambda.idle();
    expect(invocationsOf(GENERATOR).map(resultOf)).toMatchObject([{ outcome: 'skipped', reason: 'other-account' }]);
  });
});

describe('a push', () => {
  it('is indexed, and the pushed index does not start the generator again', async () => {
    deploy();
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('base'), makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(GENERATOR).map(resultOf)).toMatchObject([
      { statusCode: 200, outcome: 'indexed', outputTag: 'v1-soci', layers: { built: 2 } },
    ]);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
    // The push and the three manifests of the index. Of those, the rule matches only the image index, which the filter excludes.
    expect(bridge.events.map(({ rules }) => rules.length)).toEqual([1, 0, 0, 1]);
    expect(invocationsOf(FILTER).map(resultOf)).toMatchObject([
      { statusCode: 200, body: expect.stringContaining('Successfully invoked') },
      { statusCode: 200, body: expect.stringContaining('excludes it') },
    ]);
  });

  it('sends one event to the event bus', async () => {
    deploy({ generator: { soci_event_bus: 'default' } });
    const received: object[] = [];
    const pattern = { source: ['soci-index-builder'], 'detail-type': ['SOCI Index Ready'] };
    bridge.putRule({ name: 'ready', pattern, target: (event) => received.push(event) });
    const digest = await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(received).toMatchObject([
      {
        detail: {
          'registry-id': '123456789012',
          region: 'us-east-1',
          'repository-name': 'app',
          'image-tag': 'v1',
          'image-digest': digest,
          'soci-index-version': 'V2',
          'soci-image-tag': 'v1-soci',
          'soci-image-digest': registry.manifest('app', 'v1-soci')?.digest,
          'soci-index-digests': [expect.stringMatching(/^sha256:/)],
        },
      },
    ]);
  });

  it('is indexed even if the event bus fails', async () => {
    deploy({ generator: { soci_event_bus: 'default', AWS_ENDPOINT_URL_EVENTBRIDGE: registry.awsEndpoint } });
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    const [generated] = invocationsOf(GENERATOR);
    expect(generated && resultOf(generated)).toMatchObject({ outcome: 'indexed' });
    expect(generated?.log.some((line) => line.includes('the event was not sent'))).toBe(true);
  });

  it('is not lost if Lambda throttles the filter', async () => {
    deploy();
    lambda.throttle(4); // The SDK makes three attempts, and Lambda retries once.
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(FILTER)[0]?.outcome).toMatchObject({ status: 'error', errorType: 'FunctionError' });
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(lambda.abandoned).toEqual([]);
  });

  it('that cannot be read is abandoned after three attempts', async () => {
    deploy();
    registry.inject({
      on: { port: 'registry', method: 'GET' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'html' },
    });
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(GENERATOR).map(({ attempt, outcome }) => [attempt, outcome.status])).toEqual([
      [1, 'error'],
      [2, 'error'],
      [3, 'error'],
    ]);
    expect(lambda.abandoned).toHaveLength(1);
    expect(registry.tags('app')).toEqual(['v1']);
  });
});

describe('a push that is delivered by a queue', () => {
  let sqs: TestSqs;
  let work: TestQueue;
  let failed: TestQueue;
  let mapping: EventSourceMapping | undefined;

  beforeEach(async () => {
    // Seconds have a millisecond, so that a message that failed is received again after 60 ms.
    sqs = await startTestSqs({ second: 1 });
    failed = sqs.createQueue({ name: 'failed' });
    const deadLetterQueue = { name: 'failed', maxReceiveCount: 5 };
    work = sqs.createQueue({ name: 'work', visibilityTimeout: 43_200, deadLetterQueue });
  });

  afterEach(async () => {
    await mapping?.stop();
    await sqs.stop();
  });

  function deployQueue(generator: object = {}): void {
    const queue = { soci_queue_url: work.url };
    deploy({ filter: { ...queue, AWS_ENDPOINT_URL_SQS: sqs.endpoint }, generator: { ...queue, ...generator } });
  }

  function startMapping(): EventSourceMapping {
    const queue = { endpoint: sqs.endpoint, queueUrl: work.url, queueArn: work.arn };
    mapping = startEventSourceMapping({ lambda, functionName: GENERATOR, ...queue, maximumConcurrency: 2 });
    return mapping;
  }

  it('waits in the queue, is indexed once, and is deleted', async () => {
    deployQueue();
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('base'), makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(FILTER).map(resultOf)).toMatchObject([
      { statusCode: 200, body: expect.stringContaining('Successfully queued') },
    ]);
    expect(invocationsOf(GENERATOR)).toEqual([]);
    expect(work.messages.map(({ body }) => JSON.parse(body))).toEqual(registry.events.slice(0, 1));

    await startMapping().idle();
    await lambda.idle();
    expect(invocationsOf(GENERATOR).map(resultOf)).toMatchObject([
      { statusCode: 200, outcome: 'indexed', outputTag: 'v1-soci', layers: { built: 2 } },
    ]);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect([work.messages, failed.messages]).toEqual([[], []]);
  });

  it('that is delivered twice is indexed once', async () => {
    deployQueue();
    registry.onEvent((event) => bridge.deliver(event));
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(work.messages).toHaveLength(2);
    await startMapping().idle();
    await lambda.idle();
    const outcomes = invocationsOf(GENERATOR).map((each) => resultOf(each) as { statusCode: number });
    expect(outcomes.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
  });

  it('is not lost if the queue is unavailable', async () => {
    deployQueue();
    sqs.fail(4); // The SDK makes three attempts, and Lambda retries once.
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(FILTER)[0]?.outcome).toMatchObject({
      status: 'error',
      errorType: 'FunctionError',
      errorMessage: expect.stringContaining(`cannot send the event to ${work.url}`),
    });
    expect(lambda.abandoned).toEqual([]);
    expect(work.messages).toHaveLength(1);
  });

  it('is received again one minute after a temporary error, then after twice the time, and indexed', async () => {
    deployQueue();
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    const manifests = { port: 'registry', method: 'GET', path: /\/manifests\// } as const;
    registry.inject({ on: manifests, times: 2, fault: { kind: 'html' } });
    startMapping();
    await expect.poll(() => work.messages.length, { timeout: 120_000 }).toBe(0);
    expect(delays()).toEqual([60, 120].slice(0, delays().length));
    expect(delays().length).toBeGreaterThan(0);
    const outcomes = invocationsOf(GENERATOR).map(({ outcome }) => outcome.status);
    expect(outcomes).toEqual([...delays().map(() => 'error'), 'success']);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(failed.messages).toEqual([]);
  });

  it('that fails five times is in the dead-letter queue, unchanged', async () => {
    deployQueue();
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    const [event] = registry.events;
    registry.inject({
      on: { port: 'registry', method: 'GET' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'html' },
    });
    startMapping();
    await expect.poll(() => failed.messages.length, { timeout: 120_000 }).toBe(1);
    expect(failed.messages.map(({ body }) => JSON.parse(body))).toEqual([event]);
    expect(invocationsOf(GENERATOR).map(({ outcome }) => outcome.status)).toEqual(Array(5).fill('error'));
    expect(delays()).toEqual([60, 120, 240, 480, 900]);
  });

  it('that cannot be indexed is a final outcome, and is deleted', async () => {
    deployQueue();
    await pushImage(registry, 'app', 'v1', makeImage([makeBrokenLayer('app')]));
    await lambda.idle();
    await startMapping().idle();
    expect(invocationsOf(GENERATOR).map(resultOf)).toMatchObject([{ statusCode: 422, outcome: 'failed' }]);
    expect([work.messages, failed.messages]).toEqual([[], []]);
  });

  it('stays in the queue if the batch size is not 1', async () => {
    deployQueue();
    const record = { eventSource: 'aws:sqs', eventSourceARN: work.arn, body: '{}' };
    const { outcome, log } = await lambda.invoke(GENERATOR, { Records: [record, record] });
    expect(outcome).toMatchObject({
      status: 'error',
      errorType: 'FunctionError',
      errorMessage: 'the batch has 2 messages: set BatchSize of the event source mapping to 1',
    });
    const lines = log.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    expect(lines).toMatchObject([{ level: 'ERROR', outcome: 'batch-refused' }]);
  });

  it('with a body that is not an event is a final outcome', async () => {
    deployQueue();
    for (const body of ['', 'text', '[]', '{"source":"aws.s3"}']) {
      const record = { eventSource: 'aws:sqs', eventSourceARN: work.arn, body };
      const invocation = await lambda.invoke(GENERATOR, { Records: [record] });
      expect(resultOf(invocation)).toMatchObject({ statusCode: 400, reason: 'event-invalid' });
    }
  });

  it('and one that invokes the generator directly can be handled at the same time', async () => {
    deployQueue();
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    // Like the filter before an update of the stack.
    lambda.enqueue(GENERATOR, registry.events[0]);
    await startMapping().idle();
    await lambda.idle();
    expect(
      invocationsOf(GENERATOR)
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['Event', 'RequestResponse']);
    const results = invocationsOf(GENERATOR).map((each) => resultOf(each) as { statusCode: number });
    expect(results.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
  });

  /** Delays that the generator set, in seconds. */
  const delays = () =>
    sqs.calls
      .filter(({ operation }) => operation === 'ChangeMessageVisibility')
      .map(({ input }) => input.VisibilityTimeout as number);
});

describe('a layer that needs too much memory', () => {
  it.each(Object.keys(METADATA_BOMBS))(
    'of %s is rejected with the name of the limit, within the memory of the function',
    async (bomb) => {
      const memorySize = 512;
      deploy({ memorySize });
      await pushImage(registry, 'app', 'v1', makeImage([makeBomb(bomb, 150e6)]));
      await lambda.idle();
      const [generated] = invocationsOf(GENERATOR);
      expect(generated && resultOf(generated)).toMatchObject({
        outcome: 'failed',
        reason: 'image-invalid',
        message: expect.stringMatching(/exceeds? max(Metadata|Ztoc)Size/),
      });
      expect((generated?.maxMemory ?? 0) / 2 ** 20).toBeLessThan(memorySize);
    },
  );

  it('is indexed if only the zTOCs of all layers together are too large', async () => {
    const memorySize = 512;
    deploy({ memorySize });
    const layers = [0, 1, 2].map((start) => makeGzipLayer(manyEntries(500_000 + start)));
    await pushImage(registry, 'app', 'v1', makeImage(layers));
    await lambda.idle();
    const [generated] = invocationsOf(GENERATOR);
    expect(generated && resultOf(generated)).toMatchObject({ outcome: 'indexed', layers: { built: layers.length } });
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect((generated?.maxMemory ?? 0) / 2 ** 20).toBeLessThan(memorySize);
  });
});

/** Returns a layer with the first `size` bytes of a bomb. */
function makeBomb(name: string, size: number): Content {
  function* start() {
    let left = size;
    for (const chunk of METADATA_BOMBS[name]?.() ?? []) {
      yield chunk;
      left -= chunk.length;
      if (left < 0) return;
    }
  }
  return makeGzipLayer(start());
}

function makeGzipLayer(tar: Iterable<Uint8Array>): Content {
  const chunks = Array.from(tar, (chunk) => Uint8Array.from(chunk));
  return contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(Buffer.concat(chunks), { level: 1 }));
}

describe('the log', () => {
  it('is JSON with the image, the outcome and metrics', async () => {
    deploy();
    const digest = await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    const [generated] = invocationsOf(GENERATOR);
    const lines = (generated?.log ?? []).map((line) => JSON.parse(line));
    // Warnings go to standard error. It is a pipe of its own, so their place among the lines varies.
    const [warning, ...others] = lines.toSorted((a, b) => Number(b.level === 'WARN') - Number(a.level === 'WARN'));
    expect(others[0]).toMatchObject({
      level: 'INFO',
      service: 'soci-index-generator',
      function_request_id: generated?.requestId,
      repository: 'app',
      tag: 'v1',
      digest,
      outcome: 'indexed',
      seconds: expect.any(Number),
      bytesRead: expect.any(Number),
    });
    // The zTOC of a layer of 20 KB is larger than the layer.
    expect(warning).toMatchObject({ level: 'WARN', code: 'ztoc-large', effect: 'slow-start' });
    expect(others[1]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'SociIndexBuilder', Dimensions: [['service']] }] },
      Indexed: 1,
      LayersBuilt: 1,
      LayersReused: 0,
    });
    expect(lines).toHaveLength(3);
  });

  it('contains no secrets, also at level DEBUG', async () => {
    deploy({ generator: { POWERTOOLS_LOG_LEVEL: 'DEBUG' }, filter: { POWERTOOLS_LOG_LEVEL: 'DEBUG' } });
    registry.inject({ on: { port: 'storage' }, fault: { kind: 'truncate', afterBytes: 100 } });
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    const log = lambda.invocations.flatMap((invocation) => invocation.log).join('\n');
    expect(log).toContain(`GET ${registry.url}/v2/app/manifests/`);
    const { password } = registry.credentials;
    for (const secret of [password, Buffer.from(`AWS:${password}`).toString('base64'), 'X-Amz-Signature', 'Basic ']) {
      expect(log).not.toContain(secret);
    }
  });
});

describe('an invalid environment', () => {
  it('is reported at start, and the generator is not invoked', async () => {
    deploy({ filter: { soci_index_untagged: 'maybe', soci_repository_image_tag_filters: 'App' } });
    await pushImage(registry, 'app', 'v1', makeImage([makeLayer('app')]));
    await lambda.idle();
    expect(invocationsOf(GENERATOR)).toEqual([]);
    const { outcome } = lambda.abandoned[0] ?? {};
    expect(outcome).toMatchObject({ status: 'error', errorType: 'EnvironmentInvalid' });
    expect(JSON.stringify(outcome)).toMatch(/invalid environment.*at character 1.*soci_index_untagged is/);
  });
});

// Runs the bundled functions with Lambda's Runtime API on events, images and answers whose text forges lines of a log.
import { FilterError } from '@soci/filter';
import { OciError } from '@soci/oci';
import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { HOSTILE_TEXTS, makeImage, makeIndex, makeLayer, pushImage, unprintableIn } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from './bundles.ts';
import { startDeployment } from './deploy-time/fixtures/deployment.ts';

const [FILTER, GENERATOR] = ['filter', 'generator'];

let registry: TestRegistry;
let lambda: TestLambda;

beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
  lambda = await startTestLambda();
  const { arn } = lambda.createFunction({
    name: GENERATOR,
    ...GENERATOR_BUNDLE,
    timeout: 60,
    memorySize: 1769,
    environment: {
      POWERTOOLS_LOG_LEVEL: 'DEBUG',
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      soci_min_layer_size: '1000',
    },
  });
  lambda.createFunction({
    name: FILTER,
    ...FILTER_BUNDLE,
    environment: {
      POWERTOOLS_LOG_LEVEL: 'DEBUG',
      soci_repository_image_tag_filters: 'app:*',
      soci_index_generator_lambda_arn: arn,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    },
  });
});

afterEach(() => Promise.all([registry.stop(), lambda.stop()]));

/** Invokes a function, and checks each line of its log and all text of its result. Returns the lines. */
async function invokePrintable(name: string, event: unknown): Promise<string> {
  const { log, outcome } = await lambda.invoke(name, event);
  expect(log.length).toBeGreaterThan(0);
  for (const line of log) {
    expect(unprintableIn(line)).toEqual([]);
    // The runtime prints an error that a handler throws, with its stack trace.
    expect(line).toMatch(/^(?:\{"|\w+ \[\w+Error\]: | {2,}(?:at |\[cause\]: |\w+: |\})|\})/);
    if (line.startsWith('{')) expect(JSON.parse(line)).toBeInstanceOf(Object);
  }
  for (const text of stringsIn(outcome)) expect(unprintableIn(text)).toEqual([]);
  return log.join('\n');
}

/** Returns all strings in a value of JSON. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Pushes an image and returns its event. */
async function push(image: Parameters<typeof pushImage>[3]): Promise<object> {
  const digest = await pushImage(registry, 'app', 'v1', image);
  const event = registry.events.find(({ detail }) => detail['image-digest'] === digest);
  if (event === undefined) throw new Error('the push has no event');
  return event;
}

it('logs events with hostile fields', async () => {
  const event = await push(makeImage([makeLayer('app')]));
  for (const name of [FILTER, GENERATOR] as const) {
    for (const [index, text] of HOSTILE_TEXTS.entries()) {
      const fields = ['repository-name', 'image-tag', 'image-digest', 'action-type', 'result', 'manifest-media-type'];
      const field = fields[index % fields.length] as string;
      const { detail } = event as { readonly detail: object };
      await invokePrintable(name, { ...event, detail: { ...detail, [field]: text } });
      await invokePrintable(name, { ...event, [index % 2 === 0 ? 'source' : 'detail-type']: text, id: text });
    }
  }
});

it('logs images with hostile platforms and annotations', async () => {
  const layer = makeLayer('app');
  const entries = HOSTILE_TEXTS.map((text) => ({
    made: makeImage([layer], { platform: { os: text, architecture: text }, annotations: { [text]: text } }),
    fields: { platform: { os: text, architecture: text, variant: text }, annotations: { [text]: text } },
  }));
  expect(await invokePrintable(GENERATOR, await push(makeIndex(entries)))).toContain('"outcome":"indexed"');
});

it('logs errors of the registry and of Amazon ECR with hostile text', async () => {
  const event = await push(makeImage([makeLayer('app')]));
  const message = HOSTILE_TEXTS.slice(-20).join(' ');
  const texts = [message, '\u009b31mred', '\u2028::error::x', '\u202ereversed'];
  const failures = [
    // First, because the function keeps the credentials that it gets.
    ...texts.map((text) => ({ text, port: 'aws', status: 400 }) as const),
    ...texts.map((text) => ({ text, port: 'registry', status: 400 }) as const),
    { text: message, port: 'registry', status: 500 } as const,
  ];
  for (const { text, port, status } of failures) {
    const body = JSON.stringify({ errors: [{ code: text, message: text }], __type: text, message: text });
    const fault = registry.inject({
      on: { port },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status, body },
    });
    await invokePrintable(GENERATOR, event);
    expect(fault.hits).toBeGreaterThan(0);
    fault.remove();
  }
});

it('reports hostile properties of a resource to CloudFormation', async () => {
  const deployment = await startDeployment();
  for (const text of HOSTILE_TEXTS) {
    for (const ResourceProperties of [
      { repositoryName: text, image: 'v1' },
      { repositoryName: 'app', image: text },
      { repositoryName: 'app', image: 'v1', outputTag: text },
      { repositoryName: 'app', image: 'v1', spanSize: text, indexVersion: text },
    ]) {
      const response = await deployment.request({ ResourceProperties }, 100);
      expect(response.Status).toBe('FAILED');
      expect(unprintableIn(response.Reason ?? '')).toEqual([]);
      expect(response.Reason).not.toContain('\n');
    }
  }
});

it('errors of @soci/filter have the same notation as others', () => {
  for (const text of HOSTILE_TEXTS) {
    const { message } = new FilterError('EVENT_INVALID', text, []);
    expect(message).toBe(new OciError('NOT_FOUND', text).message);
  }
});

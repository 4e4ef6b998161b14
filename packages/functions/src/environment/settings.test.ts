import { describe, expect, it } from 'vitest';
import { type FilterEnvironment, readFilterSettings } from './filter-settings.ts';
import { type GeneratorEnvironment, readGeneratorSettings } from './generator-settings.ts';

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:stack-SociIndexGeneratorLambda-1A2B3C';

const FILTER: FilterEnvironment = {
  soci_repository_image_tag_filters: 'app:*, !app:dev',
  soci_index_generator_lambda_arn: ARN,
};

function problemOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ name: 'EnvironmentInvalid', code: 'ENVIRONMENT_INVALID' });
    return (error as Error).message;
  }
  return '';
}

describe('the filter function', () => {
  it('adds the exclusion of output tags to the filters', () => {
    const { filters, ...rest } = readFilterSettings({ ...FILTER });
    expect(filters.include.map(({ text }) => text)).toEqual(['app:*']);
    expect(filters.exclude.map(({ text }) => text)).toEqual(['app:dev', '*:*-soci']);
    expect(rest).toEqual({
      generatorArn: ARN,
      queueUrl: undefined,
      kinds: ['push'],
      memberAccounts: [],
      untagged: false,
    });
  });

  it('reads the optional variables', () => {
    const environment: FilterEnvironment = {
      ...FILTER,
      soci_output_tag: 'none',
      soci_event_kinds: 'push, replication',
      soci_index_untagged: 'true',
    };
    const { filters, kinds, untagged } = readFilterSettings({ ...environment });
    expect(filters.exclude.map(({ text }) => text)).toEqual(['app:dev']);
    expect([kinds, untagged]).toEqual([['push', 'replication'], true]);
  });

  it.each([
    'arn:aws-cn:lambda:cn-north-1:123456789012:function:generator',
    'arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:generator:live',
    'arn:aws-iso-b:lambda:us-isob-east-1:123456789012:function:generator:$LATEST',
  ])('accepts the generator %s', (arn) => {
    expect(readFilterSettings({ ...FILTER, soci_index_generator_lambda_arn: arn }).generatorArn).toBe(arn);
  });

  it('reads member accounts, like the generator', () => {
    const soci_member_accounts = '111122223333, 444455556666';
    const expected = ['111122223333', '444455556666'];
    expect(readFilterSettings({ ...FILTER, soci_member_accounts }).memberAccounts).toEqual(expected);
    expect(readGeneratorSettings({ soci_member_accounts }).memberAccounts).toEqual(expected);
    const read = () => readGeneratorSettings({ soci_member_accounts: '111122223333,1111' });
    expect(read).toThrow('soci_member_accounts: "1111" is not an account id: use 12 digits');
  });

  it.each([
    'https://sqs.eu-west-1.amazonaws.com/123456789012/Stack-Queue1A2B-xyz',
    'https://sqs.cn-north-1.amazonaws.com.cn/123456789012/queue_1',
    'http://127.0.0.1:5000/123456789012/queue',
  ])('accepts the queue %s', (url) => {
    expect(readFilterSettings({ ...FILTER, soci_queue_url: url }).queueUrl).toBe(url);
    expect(readGeneratorSettings({ soci_queue_url: url }).queueUrl).toBe(url);
  });

  it.each([
    'queue',
    'arn:aws:sqs:us-east-1:123456789012:queue',
    'https://sqs.us-east-1.amazonaws.com/123456789012/queue.fifo',
    'https://user@example.com/123456789012/queue',
  ])('rejects the queue %s', (url) => {
    const problem = problemOf(() => readFilterSettings({ ...FILTER, soci_queue_url: url }));
    expect(problem).toContain('is not the URL of a standard Amazon SQS queue');
    expect(problemOf(() => readGeneratorSettings({ soci_queue_url: url }))).toContain('soci_queue_url');
  });

  it('reports all faults at once', () => {
    const problem = problemOf(() =>
      readFilterSettings({ soci_output_tag: '{tag}', soci_index_untagged: 'yes', soci_event_kinds: 'scan' }),
    );
    expect(problem).toMatch(/^invalid environment: /);
    expect(problem).toContain('soci_repository_image_tag_filters is missing: expected repository:tag');
    expect(problem).toContain('soci_index_generator_lambda_arn is missing: expected the ARN of a Lambda function');
    expect(problem).toContain('soci_output_tag: "{tag}" would overwrite the tag');
    expect(problem).toContain('soci_index_untagged is "yes": expected true or false');
    expect(problem).toContain('soci_event_kinds: "scan" is not one of push, replication, pull-through-cache');
  });

  it('reports the position of a fault in a filter', () => {
    const problem = problemOf(() =>
      readFilterSettings({ ...FILTER, soci_repository_image_tag_filters: 'app:*,App:*' }),
    );
    expect(problem).toContain('at character 7');
  });

  it.each(['generator', 'arn:aws:lambda:us-east-1:123456789012:layer:generator', `${ARN} `.repeat(100)])(
    'rejects the generator %j',
    (arn) => {
      const problem = problemOf(() => readFilterSettings({ ...FILTER, soci_index_generator_lambda_arn: arn }));
      expect(problem).toContain('is not the ARN of a Lambda function');
      expect(problem.length).toBeLessThan(300);
    },
  );
});

describe('the generator', () => {
  it('needs no settings', () => {
    expect(readGeneratorSettings({})).toMatchObject({
      version: 2,
      outputTag: { template: '{tag}-soci' },
      minLayerSize: 10_485_760,
      spanSize: undefined,
      useStoredProfile: false,
      verifySpans: 4,
      reuseLayers: true,
      recompress: [],
      compat: undefined,
      eventBus: undefined,
      kinds: ['push'],
      registryHost: undefined,
      resources: { jobs: 1 },
    });
  });

  it('reads the variables, and treats an empty variable as unset', () => {
    const environment: GeneratorEnvironment = {
      soci_index_version: 'V1',
      soci_output_tag: '',
      soci_min_layer_size: '0',
      soci_span_size: '1048576',
      soci_verify_spans: '0',
      soci_reuse_layers: 'false',
      soci_compat: 'soci-cli',
      soci_event_bus: 'arn:aws:events:us-east-1:123456789012:event-bus/default',
      soci_registry_host: 'registry.example:5000',
    };
    expect(readGeneratorSettings({ ...environment })).toMatchObject({
      version: 1,
      outputTag: { template: '{tag}-soci' },
      minLayerSize: 0,
      spanSize: 1_048_576,
      verifySpans: 0,
      reuseLayers: false,
      compat: 'soci-cli',
      eventBus: environment.soci_event_bus,
      registryHost: 'registry.example:5000',
    });
  });

  it.each([
    ['', []],
    ['none', []],
    ['zstd', ['zstd']],
    ['zstd,tar', ['zstd', 'tar']],
  ])('with soci_recompress %j recompresses %j', (soci_recompress, formats) => {
    expect(readGeneratorSettings({ soci_recompress }).recompress).toEqual(formats);
  });

  it('accepts soci_recompress none for V1', () => {
    expect(readGeneratorSettings({ soci_recompress: 'none', soci_index_version: 'V1' })).toMatchObject({ version: 1 });
  });

  it('follows a profile if the span size is auto, and only a stored one if that is set', () => {
    expect(readGeneratorSettings({ soci_span_size: 'auto' })).toMatchObject({
      spanSize: 'auto',
      useStoredProfile: false,
    });
    expect(readGeneratorSettings({ soci_use_stored_profile: 'true' })).toMatchObject({ useStoredProfile: true });
    for (const soci_span_size of ['auto', '4194304', '']) {
      expect(readGeneratorSettings({ soci_use_stored_profile: 'true', soci_span_size }).useStoredProfile).toBe(true);
    }
  });

  it.each([
    ['512', 1],
    ['1769', 1],
    ['2600', 1],
    ['3008', 2],
    ['3538', 2],
    ['10240', 6],
  ])('with %s MB builds %i layers at the same time', (memory, jobs) => {
    expect(readGeneratorSettings({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory }).resources.jobs).toBe(jobs);
  });

  it.each([
    ['256', 19, 37],
    ['512', 104, 208],
    ['1769', 512, 1057],
    ['3538', 512, 2314],
    ['10240', 512, 6968],
  ])('with %s MB builds zTOCs of at most %i MiB, and %i MiB in total', (memory, one, total) => {
    const { resources } = readGeneratorSettings({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory });
    const { jobs, limits, layerLimits } = resources;
    const { maxZtocSize = 0, maxZtocsSize = 0 } = limits;
    expect([maxZtocSize, maxZtocsSize].map((size) => Math.round(size / 2 ** 20))).toEqual([one, total]);
    expect(layerLimits).toEqual({ maxZtocSize, maxMetadataSize: Math.min(maxZtocSize, 2 ** 28) });
    // Node.js and buffers, the zTOCs that are kept, and those that are being built.
    expect(200 * 2 ** 20 + maxZtocsSize + jobs * maxZtocSize).toBeLessThanOrEqual(Number(memory) * 2 ** 20 + 1);
  });

  it('has limits for a function with the least memory', () => {
    const { limits } = readGeneratorSettings({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128' }).resources;
    expect(limits.maxZtocSize).toBeGreaterThan(10_000_000);
  });

  it.each([
    [{ soci_index_version: 'V3' }, 'soci_index_version is "V3": expected V1 or V2'],
    [{ soci_index_version: 'v2' }, 'soci_index_version is "v2": expected V1 or V2'],
    [{ soci_min_layer_size: '10 MiB' }, 'soci_min_layer_size is "10 MiB": expected a whole number from 0 to'],
    [{ soci_span_size: '0' }, 'soci_span_size is "0": expected a whole number from 1 to'],
    [{ soci_span_size: 'Auto' }, 'soci_span_size is "Auto": expected a whole number from 1 to 1099511627776, or auto'],
    [
      { soci_span_size: 'auto', soci_compat: 'soci-cli' },
      'soci_span_size is "auto": it cannot be combined with soci_compat',
    ],
    [{ soci_use_stored_profile: 'yes' }, 'soci_use_stored_profile is "yes": expected true or false'],
    [
      { soci_use_stored_profile: 'true', soci_span_size: '1048576' },
      'soci_use_stored_profile is "true": it cannot be combined with a fixed soci_span_size',
    ],
    [
      { soci_use_stored_profile: 'true', soci_compat: 'soci-cli' },
      'soci_use_stored_profile is "true": it cannot be combined with soci_compat',
    ],
    [{ soci_verify_spans: '1e3' }, 'soci_verify_spans is "1e3"'],
    [{ soci_recompress: 'gzip' }, 'soci_recompress is "gzip": expected none or zstd or zstd,tar'],
    [
      { soci_recompress: 'zstd', soci_index_version: 'V1' },
      'soci_recompress is "zstd": it needs soci_index_version V2: V1 changes no layers',
    ],
    [
      { soci_recompress: 'zstd,tar', soci_compat: 'soci-cli' },
      'soci_recompress is "zstd,tar": it cannot be combined with soci_compat',
    ],
    [{ soci_compat: 'soci' }, 'soci_compat is "soci": expected soci-cli'],
    [{ soci_event_bus: 'a b' }, 'soci_event_bus: "a b" is not the name or ARN of an event bus'],
    [{ soci_registry_host: 'https://registry.example' }, 'soci_registry_host: "https://registry.example" is not HOST'],
    [{ soci_output_tag: 'x'.repeat(4000) }, 'soci_output_tag: '],
  ])('rejects %j', (environment, expected) => {
    const problem = problemOf(() => readGeneratorSettings(environment));
    expect(problem).toContain(expected);
    expect(problem.length).toBeLessThan(300);
  });
});

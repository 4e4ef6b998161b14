import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Template } from '../../../apps/stack/src/fixtures/evaluate-template.ts';
import { variableName } from '../../../apps/stack/src/fixtures/terraform-variables.ts';
import { runProgram } from '../../registries/run-program.ts';
import { findTool, toolPath } from '../../tools/tools.ts';
import { ROOT } from '../ci-machine.ts';
import { exampleBelow } from '../documents.ts';
import { fromTemplate } from './from-template.ts';
import { comparable, evaluateModule, MODULE, type Variables, variableValue } from './module.ts';

interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
  readonly MinValue?: number;
  readonly MaxValue?: number;
  readonly MinLength?: number;
  readonly MaxLength?: number;
}

type Values = Readonly<Record<string, string>>;

// A test of apps/stack compares this file with the template.
const FIXTURE = join(ROOT, 'apps', 'stack', 'src', 'fixtures', 'plain-template.json');
const TEMPLATE = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Template & {
  readonly Parameters: Readonly<Record<string, Parameter>>;
};
const PARAMETERS = Object.entries(TEMPLATE.Parameters);
const REQUIRED = { QSS3BucketName: 'code' };
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alarms';
const NETWORK = { SubnetIds: 'subnet-0a1b2c3d,subnet-1a1b2c3d', SecurityGroupIds: 'sg-0a1b2c3d,sg-1a1b2c3d' };

/** Values of parameters, each beyond the defaults. */
const CASES: readonly Values[] = [
  {},
  { Timeout: '1800', MemorySize: '3538', Architecture: 'arm64', ReservedConcurrency: '20' },
  { SociIndexVersion: 'V1', SociMinLayerSize: '1048576' },
  { SociOutputTag: 'soci-{digest12}', SociRecompress: 'zstd,tar', SociSpanSize: 'auto', SociUseStoredProfile: 'true' },
  { UntaggedImages: 'true', SociOutputTag: 'none', ReplicatedImages: 'true' },
  { CachedImages: 'true' },
  { UntaggedImages: 'true', SociOutputTag: 'none', CachedImages: 'true', ReplicatedImages: 'true' },
  {
    SociRepositoryImageTagFilters: 'prod/[ab]*:v?,team/app:*,!team/app:*-test',
    MemberAccounts: '111122223333,444455556666',
  },
  { QSS3BucketRegion: 'eu-west-1', QSS3KeyPrefix: 'soci/v1/' },
  { QSS3BucketRegion: 'us-east-1', QSS3KeyPrefix: '' },
  { LogRetentionDays: '30', IamPermissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/Boundary' },
  { DeadLetterQueue: 'true' },
  { Alarms: 'true' },
  { AlarmTopicArn: TOPIC },
  { KmsKeyArn: KEY },
  { KmsKeyArn: KEY, DeadLetterQueue: 'true' },
  { Delivery: 'queue' },
  {
    Delivery: 'queue',
    QueueMaxConcurrency: '50',
    KmsKeyArn: KEY,
    AlarmTopicArn: TOPIC,
    LogRetentionDays: '7',
    ...NETWORK,
  },
];

/** Texts that are tried as the value of each parameter. */
const TEXTS = [
  ...[
    '',
    ' ',
    'none',
    'true',
    'false',
    'x',
    'X',
    'V1',
    'V2',
    'V3',
    'auto',
    'zstd',
    'zstd,tar',
    'tar',
    'async',
    'queue',
  ],
  ...['0', '1', '7', '8', '29', '30', '255', '256', '1000', '1001', '1800', '1801', '10241', '4194304', '1e3', '-1'],
  ...['*:*', 'app:v1', 'App:v1', 'app', '!app:*', 'a:b,!c:*', 'a:b, c:d', 'prod/[a]:v', 'a:', ':a', 'a:b c'],
  ...['{tag}', '{tag}-soci', '{digest12}', '.{tag}', 'x{other}', 'a'.repeat(109), `{tag}${'a'.repeat(104)}`],
  ...['my-bucket', 'My-bucket', 'my_bucket', 'ab', 'a'.repeat(64), 'eu-west-1', 'eu-west', 'us-gov-east-1'],
  ...['soci/', 'soci', '/soci/', '../', 'a/./', 'generated', 'fixed', 'x86_64', 'arm64', 'amd64'],
  ...['123456789012', '12345678901', '111122223333,444455556666', 'subnet-0a1b', 'subnet-xyz', 'sg-0a1b,sg-1', 'sg-'],
  ...[KEY, TOPIC, 'arn:aws:iam::aws:policy/Boundary', 'arn:aws:iam::1:policy/x', 'arn:aws:kms:us-east-1:1:key/x'],
];

const variablesOf = (values: Values): Variables => {
  const entries = Object.entries({ ...REQUIRED, ...values });
  return Object.fromEntries(entries.map(([name, text]) => [variableName(name), variableValue(text, sampleOf(name))]));
};

/** Returns a value with the type of a variable. */
function sampleOf(name: string): unknown {
  const { Type, Default, AllowedValues } = TEMPLATE.Parameters[name] as Parameter;
  if (Type === 'CommaDelimitedList' || name in NETWORK) return [];
  if (Type === 'Number') return 0;
  return AllowedValues?.join() === 'false,true' ? true : String(Default ?? '');
}

/** Returns whether CloudFormation accepts a value. It checks each item of a list. */
function isAccepted(name: string, text: string): boolean {
  const { Type, AllowedPattern, AllowedValues, MinValue, MaxValue, MinLength, MaxLength } = TEMPLATE.Parameters[
    name
  ] as Parameter;
  if (AllowedValues !== undefined && !AllowedValues.includes(text)) return false;
  if (Type === 'Number') {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    return number >= (MinValue ?? -Infinity) && number <= (MaxValue ?? Infinity);
  }
  if (text.length < (MinLength ?? 0) || text.length > (MaxLength ?? Infinity)) return false;
  const pattern = new RegExp(AllowedPattern ?? '');
  return Type === 'CommaDelimitedList' ? text.split(',').every((item) => pattern.test(item)) : pattern.test(text);
}

describe.skipIf(findTool('evaluate') === undefined)('the Terraform module', () => {
  test('has a variable for each parameter, with the same default', () => {
    const defaults = PARAMETERS.flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, String(Default)]],
    );
    const { results } = evaluateModule([variablesOf({}), variablesOf(Object.fromEntries(defaults))]);
    expect(results[0]?.errors).toBeUndefined();
    expect(results[1]).toEqual(results[0]);
  });

  test.each(CASES.map((values, i) => [JSON.stringify(values), i] as const))(
    'creates the resources of the template with %s',
    (_, i) => {
      const { results } = evaluateModule([variablesOf(CASES[i] as Values)]);
      expect(results[0]?.errors).toBeUndefined();
      expect(comparable(results[0]?.resources ?? {})).toEqual(fromTemplate(TEMPLATE, { ...REQUIRED, ...CASES[i] }));
    },
  );

  test('accepts and rejects the values that the template accepts and rejects', () => {
    const all = PARAMETERS.flatMap(([name]) => TEXTS.map((text) => ({ name, text })));
    // Terraform converts 0 and 1 to booleans.
    const tried = all.filter(({ name, text }) => sampleOf(name) !== true || !/^[01]$/.test(text));
    const { results } = evaluateModule(tried.map(({ name, text }) => variablesOf({ [name]: text })));
    const rejected = (i: number) =>
      results[i]?.errors?.some((error) => !/: set | and security_group_ids/.test(error)) ?? false;
    const differences = tried.filter(({ name, text }, i) => isAccepted(name, text) === rejected(i));
    expect(differences).toEqual([]);
    expect(tried.filter((_, i) => rejected(i)).length).toBeGreaterThan(1000);
    expect(tried.filter((_, i) => !rejected(i)).length).toBeGreaterThan(100);
  });

  test.each<[values: Values, message: string]>([
    [{ SociIndexVersion: 'V1', SociRecompress: 'zstd' }, 'set soci_index_version to V2, or soci_recompress to none.'],
    [{ SociUseStoredProfile: 'true', SociSpanSize: '1024' }, 'set soci_span_size to 4194304 or auto, or'],
    [{ UntaggedImages: 'true' }, 'set soci_output_tag to a text with {digest12}, or to none.'],
    [{ SubnetIds: 'subnet-0a1b2c3d' }, 'set subnet_ids and security_group_ids, or neither.'],
  ])('rejects %j, as a rule of the template does', (values, message) => {
    const { results } = evaluateModule([variablesOf(values)]);
    expect(results[0]?.errors).toEqual([expect.stringContaining(message)]);
  });

  test.each<[values: Values, message: string]>([
    [{ SociRepositoryImageTagFilters: '!shop/*:*, !*:latest' }, 'set a filter that includes images, such as *:*.'],
    [{ Delivery: 'queue', ReservedConcurrency: '9' }, 'set queue_max_concurrency to at most reserved_concurrency.'],
  ])('rejects %j, which a rule of the template cannot express', (values, message) => {
    const { results } = evaluateModule([variablesOf(values)]);
    expect(results[0]?.errors).toEqual([expect.stringContaining(message)]);
  });

  test('accepts a queue that the reserved concurrency can empty', () => {
    const values = [{ ReservedConcurrency: '9' }, { Delivery: 'queue', ReservedConcurrency: '10' }];
    const { results } = evaluateModule(values.map(variablesOf));
    expect(results.map(({ errors }) => errors)).toEqual([undefined, undefined]);
  });

  test('has the default for null, which other modules pass on', () => {
    const names = PARAMETERS.map(([name]) => variableName(name)).filter((name) => name !== 'qss3_bucket_name');
    const nulls = Object.fromEntries([...names, 'name', 'tags'].map((name) => [name, null]));
    const { results } = evaluateModule([variablesOf({}), { ...variablesOf({}), ...nulls }]);
    expect(results[0]?.resources).toBeDefined();
    expect(results[1]).toEqual(results[0]);
    const declared = readFileSync(join(MODULE, 'variables.tf'), 'utf8').match(/^variable /gm)?.length;
    expect(readFileSync(join(MODULE, 'variables.tf'), 'utf8').match(/^ {2}nullable += false$/gm)).toHaveLength(
      declared ?? 0,
    );
  });

  test('names the wrong items of a list, which Terraform does not print', () => {
    const filters = ['app:v1', 'Prod/*:*', 'prød:"x"\n'];
    const { results } = evaluateModule([
      { ...variablesOf({}), soci_repository_image_tag_filters: filters },
      { ...variablesOf({}), member_accounts: ['111122223333', '1234'] },
      { ...variablesOf({}), soci_repository_image_tag_filters: [] },
    ]);
    expect(results.map(({ errors }) => errors)).toEqual([
      [expect.stringMatching(/such as prod\*:latest\..* Not allowed: "Prod\/\*:\*", "prød:\\"x\\"\\n"$/)],
      ['member_accounts must be account ids of 12 digits. Not allowed: "1234"'],
      ['soci_repository_image_tag_filters must not be empty: use ["*:*"].'],
    ]);
  });

  test('rejects fractions, which CloudFormation leaves to AWS Lambda', () => {
    const fraction = { memory_size: 512.5, timeout: 60.5, soci_min_layer_size: 1.5, queue_max_concurrency: 2.5 };
    const { results } = evaluateModule([{ ...variablesOf({}), ...fraction }]);
    expect(results[0]?.errors?.filter((error) => error.includes('must be a whole number'))).toHaveLength(4);
  });

  test('has names and tags in all resources', () => {
    const { results } = evaluateModule([
      {
        ...variablesOf({ Delivery: 'queue', Alarms: 'true', LogRetentionDays: '7' }),
        name: 'mine',
        tags: { team: 'a' },
      },
    ]);
    const resources = Object.entries(results[0]?.resources ?? {});
    expect(resources).toHaveLength(22);
    const untagged = resources.filter(([, { tags }]) => tags === undefined).map(([address]) => address.split('.')[0]);
    // The provider has no tags for these.
    expect(new Set(untagged)).toEqual(
      new Set(['aws_cloudwatch_event_target', 'aws_lambda_permission', 'aws_iam_role_policy', 'aws_sqs_queue_policy']),
    );
    for (const [, args] of resources) {
      if (args.tags === undefined) continue;
      expect(args.tags).toEqual({ team: 'a' });
      expect(args.name ?? args.name_prefix ?? args.alarm_name ?? args.function_name).toMatch(/^mine-|^\$\{/);
    }
  });

  test('outputs the policy that repositories of member accounts need', () => {
    const values = { MemberAccounts: '111122223333' };
    const { outputs } = evaluateModule([variablesOf(values)]).results[0] ?? {};
    expect(JSON.parse(String(outputs?.member_repository_policy))).toMatchObject({
      Statement: [
        { Sid: 'SociIndexBuilder', Principal: { AWS: expect.stringContaining('aws_iam_role.this["generator"].arn') } },
      ],
    });
    expect(Object.keys(outputs ?? {}).sort()).toEqual([
      'event_bridge_rule',
      'filtering_function',
      'generator_function',
      'generator_log_group',
      'member_repository_policy',
    ]);
  });

  test('accepts the example of its README', () => {
    const example = exampleBelow('apps/terraform/README.md', 'Deploy', 'hcl');
    const lines = [...example.matchAll(/^ {2}(\w+) += (.*)$/gm)];
    expect(lines.map(([, name]) => name)).toContain('soci_repository_image_tag_filters');
    const values = lines.map(([, name, value = '']) => [name, JSON.parse(value.replaceAll(/(\w+) = /g, '"$1": '))]);
    const { source, ...variables } = Object.fromEntries(values) as Record<string, unknown>;
    expect(source).toBe('./apps/terraform');
    expect(evaluateModule([variables]).results[0]?.errors).toBeUndefined();
  });

  test('is formatted, and has no unused declaration and no cycle', () => {
    expect(evaluateModule([]).problems).toEqual([]);
  });
});

test.skipIf(findTool('tflintRules') === undefined)("tflint's core rules accept the module", async () => {
  const { code, stdout } = await runProgram(toolPath('tflintRules'), ['-test.v'], { env: { MODULE } });
  expect(code, stdout.toString()).toBe(0);
  expect(stdout.toString().match(/ checked$/gm)?.length).toBeGreaterThan(10);
});

describe.skipIf(findTool('terraform') === undefined)('OpenTofu or Terraform', () => {
  test('formats the module in the same way', async () => {
    const { code, stdout } = await runProgram(toolPath('terraform'), ['fmt', '-check', '-recursive', MODULE]);
    expect(code, stdout.toString()).toBe(0);
  });

  test('rejects wrong values in the plan, with the message of the module', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'soci-terraform-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    // The resources need the AWS provider.
    copyFileSync(join(MODULE, 'variables.tf'), join(folder, 'variables.tf'));
    const plan = (...values: string[]) =>
      runProgram(toolPath('terraform'), [
        `-chdir=${folder}`,
        'plan',
        '-input=false',
        '-no-color',
        ...['qss3_bucket_name=code', ...values].flatMap((value) => ['-var', value]),
      ]);
    expect(await plan()).toMatchObject({ code: 0 });
    const { code, stderr } = await plan('memory_size=1', 'soci_recompress=zstd', 'soci_index_version=V1');
    expect(code).toBe(1);
    expect(stderr).toContain('memory_size must be a whole number from 256 to 10240 MB.');
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('set soci_index_version to V2, or soci_recompress to none.');
  });
});

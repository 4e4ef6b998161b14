import { parseOutputTag } from '@soci/functions/template-rules';
import { describe, expect, it } from 'vitest';
import { terraformVariables } from './fixtures/terraform-variables.ts';
import { plainTemplate } from './plain-template.ts';

interface PlainTemplate {
  readonly Parameters: Record<
    string,
    {
      Type: string;
      Description: string;
      Default?: string | number;
      AllowedPattern?: string;
      AllowedValues?: string[];
      MaxLength?: number;
    }
  >;
  readonly Metadata: { 'AWS::CloudFormation::Interface': { ParameterGroups: { Parameters: string[] }[] } };
  readonly Rules: Record<string, { Assertions: { AssertDescription: string }[] }>;
  readonly Conditions: Record<string, object>;
  readonly Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  readonly Outputs: Record<string, unknown>;
}

const template = plainTemplate() as PlainTemplate;

/** Maximum size of a template in a request, in bytes. */
const MAX_INLINE_TEMPLATE = 51_200;

it('matches the snapshot', async () => {
  const { RepositoryNameParsingLambda: parsing, ...resources } = template.Resources;
  const code = { ZipFile: 'the code of packages/functions/src/repository-names' };
  const masked = {
    ...template,
    Resources: {
      ...resources,
      RepositoryNameParsingLambda: { ...parsing, Properties: { ...parsing?.Properties, Code: code } },
    },
  };
  await expect(`${JSON.stringify(masked, undefined, 2)}\n`).toMatchFileSnapshot('./fixtures/plain-template.json');
});

it('has the variables of the Terraform module as parameters', async () => {
  await expect(terraformVariables(template)).toMatchFileSnapshot('../../terraform/variables.tf');
});

it('has no bootstrap version or assets, rules for its parameters, and fits in a request', () => {
  const text = JSON.stringify(template);
  expect(Object.keys(template.Rules)).toEqual([
    'RecompressionNeedsV2',
    'StoredProfileSetsSpanSize',
    'UntaggedImagesNeedNoTag',
    'VpcNeedsSubnetsAndSecurityGroups',
  ]);
  expect(text).not.toMatch(/cdk-hnb|BootstrapVersion|aws:asset|AssetParameters|CDKMetadata/);
  expect(text.length).toBeLessThan(MAX_INLINE_TEMPLATE);
});

it("has the logical ids of AWS's SOCI Index Builder", () => {
  expect(Object.entries(template.Resources).map(([name, { Type }]) => `${Type} ${name}`)).toEqual(
    expect.arrayContaining([
      'AWS::Events::Rule ECRImageActionEventBridgeRule',
      'AWS::Lambda::Function ECRImageActionEventFilteringLambda',
      'AWS::IAM::Role ECRImageActionEventFilteringLambdaRole',
      'AWS::Lambda::Function SociIndexGeneratorLambda',
      'AWS::IAM::Role SociIndexGeneratorLambdaRole',
      'AWS::Lambda::Function RepositoryNameParsingLambda',
      'AWS::IAM::Role RepositoryNameParsingLambdaRole',
    ]),
  );
});

it('has its parameters, in groups, with defaults except for the bucket', () => {
  const { Parameters, Metadata } = template;
  expect(Object.keys(Parameters)).toEqual(
    expect.arrayContaining([
      'SociRepositoryImageTagFilters',
      'SociIndexVersion',
      'QSS3BucketName',
      'QSS3BucketRegion',
      'QSS3KeyPrefix',
      'IamPermissionsBoundaryArn',
    ]),
  );
  const grouped = Metadata['AWS::CloudFormation::Interface'].ParameterGroups.flatMap((group) => group.Parameters);
  expect(grouped.sort()).toEqual(Object.keys(Parameters).sort());
  expect(
    Object.entries(Parameters)
      .filter(([, { Default }]) => Default === undefined)
      .map(([name]) => name),
  ).toEqual(['QSS3BucketName']);
  expect(Parameters.SociRepositoryImageTagFilters).toMatchObject({ Type: 'CommaDelimitedList', Default: '*:*' });
});

it('sets the output tag to none for version 1', () => {
  expect(template.Conditions.MakesNoTags).toEqual({ 'Fn::Equals': [{ Ref: 'SociIndexVersion' }, 'V1'] });
  for (const name of ['ECRImageActionEventFilteringLambda', 'SociIndexGeneratorLambda']) {
    expect(template.Resources[name]?.Properties.Environment).toMatchObject({
      Variables: { soci_output_tag: { 'Fn::If': ['MakesNoTags', 'none', { Ref: 'SociOutputTag' }] } },
    });
  }
});

it('recompresses layers as the parameter says, and not with version 1', () => {
  expect(template.Parameters.SociRecompress).toMatchObject({
    Default: 'none',
    AllowedValues: ['none', 'zstd', 'zstd,tar'],
  });
  expect(template.Resources.SociIndexGeneratorLambda?.Properties.Environment).toMatchObject({
    Variables: { soci_recompress: { Ref: 'SociRecompress' } },
  });
  expect(template.Rules.RecompressionNeedsV2).toEqual({
    RuleCondition: { 'Fn::Equals': [{ Ref: 'SociIndexVersion' }, 'V1'] },
    Assertions: [
      {
        Assert: { 'Fn::Equals': [{ Ref: 'SociRecompress' }, 'none'] },
        AssertDescription: 'V1 does not change layers: set SociIndexVersion to V2, or SociRecompress to none.',
      },
    ],
  });
});

it('follows profiles as the parameters say, and only with spans of the default size or auto', () => {
  expect(template.Parameters.SociSpanSize).toMatchObject({ Default: '4194304' });
  expect(template.Parameters.SociUseStoredProfile).toMatchObject({
    Default: 'false',
    AllowedValues: ['false', 'true'],
  });
  expect(template.Resources.SociIndexGeneratorLambda?.Properties.Environment).toMatchObject({
    Variables: {
      soci_span_size: { Ref: 'SociSpanSize' },
      soci_use_stored_profile: { Ref: 'SociUseStoredProfile' },
    },
  });
  expect(template.Rules.StoredProfileSetsSpanSize).toMatchObject({
    RuleCondition: { 'Fn::Equals': [{ Ref: 'SociUseStoredProfile' }, 'true'] },
    Assertions: [{ Assert: { 'Fn::Contains': [['4194304', 'auto'], { Ref: 'SociSpanSize' }] } }],
  });
});

it.each([
  ['auto', true],
  ['4194304', true],
  ['1', true],
  ['999999999999', true],
  ['0', false],
  ['Auto', false],
  ['1000000000000', false],
  ['4 MiB', false],
  ['', false],
])('accepts the span size %j: %s', (value, isValid) => {
  const { AllowedPattern = '' } = template.Parameters.SociSpanSize ?? {};
  expect(new RegExp(AllowedPattern).test(value)).toBe(isValid);
});

it('rejects untagged images with the default tag, and a VPC without security groups', () => {
  expect(template.Rules.UntaggedImagesNeedNoTag).toMatchObject({
    RuleCondition: { 'Fn::Equals': [{ Ref: 'UntaggedImages' }, 'true'] },
    Assertions: [
      {
        Assert: {
          'Fn::Or': [
            { 'Fn::Equals': [{ Ref: 'SociIndexVersion' }, 'V1'] },
            { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'SociOutputTag' }, '{tag}-soci'] }] },
          ],
        },
      },
    ],
  });
  const empty = (name: string) => ({ 'Fn::Equals': [{ Ref: name }, ''] });
  const [subnets, groups] = [empty('SubnetIds'), empty('SecurityGroupIds')];
  const neither = { 'Fn::And': [subnets, groups] };
  const both = { 'Fn::And': [{ 'Fn::Not': [subnets] }, { 'Fn::Not': [groups] }] };
  expect(template.Rules.VpcNeedsSubnetsAndSecurityGroups).toMatchObject({
    Assertions: [{ Assert: { 'Fn::Or': [neither, both] } }],
  });
});

it('exports the name of the stack like the template of AWS', () => {
  expect(template.Outputs.ExportsStackName).toEqual({
    Value: { Ref: 'AWS::StackName' },
    Export: { Name: { 'Fn::Join': ['', ['ExportsStackName-', { Ref: 'AWS::StackName' }]] } },
  });
});

it('sets the timeout of the generator from a parameter with the range of Lambda', () => {
  expect(template.Parameters.Timeout).toMatchObject({ Type: 'Number', Default: 900, MinValue: 30, MaxValue: 1800 });
});

it('sets the memory of the generator from a parameter with the range of Lambda', () => {
  expect(template.Parameters.MemorySize).toMatchObject({
    Type: 'Number',
    Default: 1769,
    MinValue: 256,
    MaxValue: 10_240,
  });
  expect(template.Resources.SociIndexGeneratorLambda?.Properties.MemorySize).toEqual({ Ref: 'MemorySize' });
});

describe('a parameter', () => {
  const allows = (name: string, value: string) => {
    const { AllowedPattern = '', MaxLength = Number.POSITIVE_INFINITY } = template.Parameters[name] ?? {};
    return new RegExp(AllowedPattern).test(value) && value.length <= MaxLength;
  };

  it.each([
    '*:*',
    'prod*:latest',
    'dev:*',
    'team/app:v1',
    'a.b_c-d/e:1.0',
    'app:V1',
    'app__x:*',
    'app?:[a-z]*',
    '!*:*-test',
    ' app:v1',
  ])('allows the filter %j', (filter) => expect(allows('SociRepositoryImageTagFilters', filter)).toBe(true));

  it.each(['', ':', 'app', 'app:', ':v1', 'App:v1', 'app:v1:v2', 'app@sha256:v1', 'app:v 1', '{app}:v1'])(
    'rejects the filter %j',
    (filter) => expect(allows('SociRepositoryImageTagFilters', filter)).toBe(false),
  );

  it.each([
    ['QSS3BucketName', ['my-bucket', 'a.b.c', '123'], ['-a', 'a-', 'A', 'a_b']],
    ['QSS3KeyPrefix', ['', 'a/', '.a/..b/c./', 'cfn-ecr-aws-soci-index-builder/'], ['a', '/a/', 'a//', '../', 'a/./']],
    ['QSS3BucketRegion', ['', 'eu-west-1', 'us-gov-east-1', 'eusc-de-east-1'], ['eu', 'EU-WEST-1', 'eu-west-1 ']],
    [
      'IamPermissionsBoundaryArn',
      [
        'none',
        'arn:aws:iam::123456789012:policy/a/b',
        'arn:aws-cn:iam::123456789012:policy/a',
        'arn:aws:iam::aws:policy/a',
      ],
      ['', 'None', 'arn:aws:iam::123456789012345:policy/a', 'arn:aws:iam::123456789012:role/a', 'nonesuch'],
    ],
    ['ReservedConcurrency', ['none', '1', '20', '1000'], ['0', '', '1001', 'None', '-1']],
    [
      'AlarmTopicArn',
      ['none', 'arn:aws:sns:us-east-1:123456789012:alarms', 'arn:aws-cn:sns:cn-north-1:123456789012:a_b-c'],
      ['', 'alarms', 'arn:aws:sns:us-east-1:123456789012:alarms.fifo', 'arn:aws:sqs:us-east-1:123456789012:alarms'],
    ],
    [
      'SubnetIds',
      ['', 'subnet-0a1b', 'subnet-0a1b,subnet-1a1b'],
      ['subnet-', 'subnet-0a1b,', 'subnet-0a1b, subnet-1a1b'],
    ],
    ['SecurityGroupIds', ['', 'sg-0a1b', 'sg-0a1b,sg-1a1b'], ['sg-', 'sg-0a1b,', 'subnet-0a1b']],
    [
      'KmsKeyArn',
      [
        'none',
        'arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd',
        'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/a-1',
      ],
      ['', 'alias/key', 'arn:aws:kms:eu-west-1:123456789012:alias/key', 'arn:aws:kms:eu-west-1:1:key/a'],
    ],
  ])('%s allows %j and rejects %j', (name, allowed, rejected) => {
    expect(allowed.filter((value) => !allows(name, value))).toEqual([]);
    expect(rejected.filter((value) => allows(name, value))).toEqual([]);
  });

  const parses = (value: string) => {
    try {
      return parseOutputTag(value).template === value;
    } catch {
      return false;
    }
  };

  it.each([
    'none',
    '{tag}-soci',
    '{tag}.{digest12}',
    '{tag}{tag}',
    '{tag}{digest12}',
    '{digest12}',
    '{digest12}-{tag}.',
    'soci-{digest12}',
    '_{tag}',
    'v1.{tag}',
    'nonesuch{tag}',
    `${'{digest12}'.repeat(10)}12345678`,
  ])('SociOutputTag allows %j, like the functions', (value) => {
    expect([allows('SociOutputTag', value), parses(value)]).toEqual([true, true]);
  });

  it.each([
    '',
    'soci',
    'None',
    '{tag}',
    '{name}',
    '{tag}-{foo}',
    '{tag}-{}',
    '{tag}}',
    '{tag}{',
    '{{tag}}',
    '{tag}-{tag',
    '{digest12}{',
    '{digest12}-{foo}',
    '{digest}-soci',
    '{Tag}-soci',
    '-{tag}',
    '.{tag}',
    '-{digest12}',
    '.{digest12}',
    '{tag} soci',
    '{tag}/soci',
    '{tag}:soci',
    '{tag}-soci\n',
    `${'{digest12}'.repeat(10)}123456789`,
    `{tag}${'-'.repeat(128)}`,
  ])('SociOutputTag rejects %j, like the functions', (value) => {
    expect([allows('SociOutputTag', value), parses(value)]).toEqual([false, false]);
  });
});

import { describe, expect, it } from 'vitest';
import { plainTemplate } from './plain-template.ts';

interface PlainTemplate {
  readonly Parameters: Record<
    string,
    { Type: string; Default?: string; AllowedPattern?: string; AllowedValues?: string[] }
  >;
  readonly Metadata: { 'AWS::CloudFormation::Interface': { ParameterGroups: { Parameters: string[] }[] } };
  readonly Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  readonly Outputs: Record<string, unknown>;
}

const template = plainTemplate() as PlainTemplate;

/** Largest template that CloudFormation takes in a request, in bytes. */
const MAX_INLINE_TEMPLATE = 51_200;

it('is the one that was looked at', async () => {
  const { RepositoryNameParsingLambda: parsing, ...resources } = template.Resources;
  const code = { ZipFile: 'the code of packages/functions/src/repository-names' };
  const shown = {
    ...template,
    Resources: {
      ...resources,
      RepositoryNameParsingLambda: { ...parsing, Properties: { ...parsing?.Properties, Code: code } },
    },
  };
  await expect(`${JSON.stringify(shown, undefined, 2)}\n`).toMatchFileSnapshot('./fixtures/plain-template.json');
});

it('stands alone: no bootstrap, no rules, no assets', () => {
  const text = JSON.stringify(template);
  expect(Object.keys(template)).not.toContain('Rules');
  expect(text).not.toMatch(/cdk-hnb|BootstrapVersion|aws:asset|AssetParameters|CDKMetadata/);
  expect(text.length).toBeLessThan(MAX_INLINE_TEMPLATE);
});

it("has the names of AWS's SOCI Index Builder", () => {
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

it('has its parameters too, each with a group, and all but the bucket with a default', () => {
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

describe('a parameter', () => {
  const allows = (name: string, value: string) =>
    new RegExp(template.Parameters[name]?.AllowedPattern ?? '').test(value);

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
  ])('takes the filter %j', (filter) => expect(allows('SociRepositoryImageTagFilters', filter)).toBe(true));

  it.each(['', ':', 'app', 'app:', ':v1', 'App:v1', 'app:v1:v2', 'app@sha256:v1', 'app:v 1', '{app}:v1'])(
    'does not take the filter %j',
    (filter) => expect(allows('SociRepositoryImageTagFilters', filter)).toBe(false),
  );

  it.each([
    [
      'SociOutputTag',
      ['{tag}-soci', 'soci-{digest12}', '{tag}.{digest12}', 'none'],
      ['', 'soci', '{tag}', '{name}', '{tag} soci'],
    ],
    ['QSS3BucketName', ['my-bucket', 'a.b.c', '123'], ['-a', 'a-', 'A', 'a_b']],
    ['QSS3KeyPrefix', ['', 'a/', 'a/b/', 'cfn-ecr-aws-soci-index-builder/'], ['a', '/a/', 'a//']],
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
  ])('%s takes %j, and not %j', (name, taken, refused) => {
    expect(taken.filter((value) => !allows(name, value))).toEqual([]);
    expect(refused.filter((value) => allows(name, value))).toEqual([]);
  });
});

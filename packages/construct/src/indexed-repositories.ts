import { readFileSync } from 'node:fs';
import type { Filters } from '@soci/filter' with { 'resolution-mode': 'import' };
import { ArnFormat, CustomResource, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import { Code, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { attempt, fail, outputTagOf } from './check-props';
import { assetPath, rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { createFunction } from './workflow-function';

/** What the generator does in a repository. The last one finds layers that were indexed with other images. */
export const REPOSITORY_ACTIONS = [
  'ecr:BatchGetImage',
  'ecr:GetDownloadUrlForLayer',
  'ecr:CompleteLayerUpload',
  'ecr:UploadLayerPart',
  'ecr:InitiateLayerUpload',
  'ecr:BatchCheckLayerAvailability',
  'ecr:PutImage',
  'ecr:ListImages',
];

/** How long CloudFormation waits for its answer: three tries. */
const NAMES_SERVICE_TIMEOUT = Duration.minutes(5);

/** Longest policy of a role, all inline policies together, in characters. @see IAM User Guide, "IAM and AWS STS quotas" */
const MAX_POLICY_LENGTH = 10_240;

/** What the other statements of the generator's role take, roomily. */
const OTHER_STATEMENTS_LENGTH = 2048;

/** What an ARN has around the repository's name, at its longest. */
const ARN_LENGTH = 'arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/",'.length;

/** Characters of a repository's name that CloudFormation makes up: the stack's, the logical id, and 13 more. */
export const GENERATED_NAME_LENGTH = 64;

/** The filters and what they are about. */
export interface IndexedRepositories {
  /** As the filtering function takes them. */
  readonly filters: string;
  /** ARNs of the repositories, which may have wildcards. */
  readonly arns: readonly string[];
}

/**
 * Provides the repositories that a builder is about: those that it was given, those that literal filters name, or, where the
 * filters are known only when the stack is deployed, those that a custom resource will find.
 */
export function provideRepositories(scope: Construct, props: SociIndexBuilderProps): IndexedRepositories {
  const { repositories } = props;
  const given = props.filters ?? repositories?.map(({ repositoryName }) => `${repositoryName}:*`) ?? ['*:*'];
  const isToken = Token.isUnresolved(given) || given.some((filter) => Token.isUnresolved(filter));
  const filters = isToken ? Fn.join(',', given) : given.join(',');
  const parsed = isToken ? undefined : attempt(scope, 'filters', () => rules.parseFilters(filters));
  if (!isToken && filters.length > rules.FILTERS_ROOM) {
    const problem = `the filters have ${filters.length} characters, and a function has room for ${rules.FILTERS_ROOM}: use wildcards, such as team/*:*, or several builders`;
    fail(scope, props.filters ? 'filters' : 'repositories', problem);
  }
  if (parsed !== undefined) checkExclusions(scope, parsed, props);
  if (repositories !== undefined) {
    const names = repositories.map(({ repositoryName }) => repositoryName);
    checkLength(scope, 'repositories', names);
    if (props.filters && parsed) checkMatches(scope, parsed, names);
    return { filters, arns: repositories.map(({ repositoryArn }) => repositoryArn) };
  }
  if (parsed !== undefined) {
    const patterns = rules.repositoryPatterns(parsed);
    checkLength(scope, 'filters', patterns);
    return { filters, arns: patterns.map((pattern) => arnOf(scope, pattern)) };
  }
  const names = new CustomResource(scope, 'InvokeRepositoryNameParsingLambda', {
    serviceToken: createNamesFunction(scope, props).functionArn,
    resourceType: 'Custom::SociRepositoryNames',
    serviceTimeout: NAMES_SERVICE_TIMEOUT,
    properties: { filters, prefix: arnOf(scope, '') },
  });
  return { filters, arns: Token.asList(names.getAtt('repository_arns')) };
}

/** Makes the function of the custom resource. Its code stands in the template. */
function createNamesFunction(scope: Construct, props: SociIndexBuilderProps): LambdaFunction {
  return createFunction(scope, 'RepositoryNameParsingLambda', props, {
    description:
      'Finds the repositories that the filters of a SOCI index builder are about, while its stack is deployed.',
    code: Code.fromInline(readFileSync(assetPath('repository-names.js'), 'utf8')),
    memorySize: 256,
    timeout: Duration.seconds(30),
  });
}

function arnOf(scope: Construct, resourceName: string): string {
  return Stack.of(scope).formatArn({
    service: 'ecr',
    resource: 'repository',
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

/** Refuses a repository that no filter is about: its images would start the filter, which would let none of them through. */
function checkMatches(scope: Construct, parsed: Filters, names: readonly string[]): void {
  const ofAnyTag = rules.repositoryPatterns(parsed).map((pattern) => `${pattern}:*`);
  const { include } = rules.parseFilters(ofAnyTag.join(','));
  const lost = names.find(
    (name) => !Token.isUnresolved(name) && !include.some((filter) => filter.matches(`${name}:v1`)),
  );
  if (lost === undefined) return;
  fail(scope, 'filters', `none is about the repository ${lost}: leave out the filters, or the repository`);
}

/** Refuses filters that exclude all that they include, as far as that can be read off them. */
function checkExclusions(scope: Construct, { include, exclude }: Filters, props: SociIndexBuilderProps): void {
  const outputTag = outputTagOf(props);
  // The filtering function excludes the tags of what is made by itself.
  const own = Token.isUnresolved(outputTag) ? undefined : rules.parseOutputTag(outputTag).ownFilter;
  const excluded = [...exclude, ...(own === undefined ? [] : rules.parseFilters(own).include)];
  // A filter with no wildcard but `*` matches whatever a text that it matches stands for.
  const plain = excluded.filter(({ text }) => !/[?[]/.test(text));
  if (!include.every(({ text }) => plain.some((filter) => filter.matches(text)))) return;
  const all = plain.map(({ text }) => `!${text}`).join(',');
  fail(scope, 'filters', `all that is included is excluded by ${all}: no image would be indexed`);
}

function checkLength(scope: Construct, name: string, patterns: readonly string[]): void {
  const length = patterns.reduce((sum, pattern) => sum + ARN_LENGTH + lengthOf(pattern), 0);
  if (length <= MAX_POLICY_LENGTH - OTHER_STATEMENTS_LENGTH) return;
  const problem = `${patterns.length} repositories are named, which takes a policy of ${length} characters and more, and IAM allows a role ${MAX_POLICY_LENGTH}: use wildcards, such as team/*:*, or several builders`;
  fail(scope, name, problem);
}

/** Of a name that is known only when the stack is deployed: as long as such names usually are. */
function lengthOf(name: string): number {
  return Token.isUnresolved(name) ? GENERATED_NAME_LENGTH : name.length;
}

import { readFileSync } from 'node:fs';
import type { Filters } from '@soci/filter' with { 'resolution-mode': 'import' };
import { ArnFormat, CustomResource, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import { Code, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { outputTagOf, validate } from './check-props';
import { fail, quote } from './property-types';
import { assetPath, rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { createFunction } from './workflow-function';

/** Actions in a repository to index its images. `ecr:ListImages` finds layers that were indexed with other images. */
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

/** Actions of the generator in a repository. `ecr:DescribeImages` tells an archived image from a deleted one. */
export const GENERATOR_ACTIONS = [...REPOSITORY_ACTIONS, 'ecr:DescribeImages'];

/** How long CloudFormation waits for the response of the name parsing function: enough for three attempts. */
const NAMES_SERVICE_TIMEOUT = Duration.minutes(5);

/** Maximum total length of a role's inline policies, in characters. @see IAM User Guide, "IAM and AWS STS quotas" */
const MAX_POLICY_LENGTH = 10_240;

/** Upper bound for the length of the other statements of the generator's role. */
const OTHER_STATEMENTS_LENGTH = 2048;

/** Maximum length of an ARN in a policy without the repository name. */
const ARN_LENGTH = 'arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/",'.length;

/** Assumed length of a repository name that CloudFormation generates: stack name, logical id and 13 more characters. */
export const GENERATED_NAME_LENGTH = 64;

/** Filters and the repositories that they name. */
export interface IndexedRepositories {
  /** Comma-separated, as the filter function expects them. */
  readonly filters: string;
  /** ARNs of the repositories, possibly with wildcards. */
  readonly arns: readonly string[];
}

/**
 * Resolves the repositories of a builder: the given ones, or those that literal filters name. If the filters or the list of
 * member accounts are tokens, a custom resource resolves them during deployment.
 */
export function resolveRepositories(scope: Construct, props: SociIndexBuilderProps): IndexedRepositories {
  const { repositories } = props;
  const given = props.filters ?? repositories?.map(({ repositoryName }) => `${repositoryName}:*`) ?? ['*:*'];
  const isToken = [given, ...given, props.memberAccounts].some((value) => Token.isUnresolved(value));
  const filters = isToken ? Fn.join(',', given) : given.join(',');
  const parsed = isToken ? undefined : parseGiven(scope, given);
  const members = memberAccountsOf(props);
  const length = filters.length + (members?.length ?? 0);
  if (!isToken && length > rules.MAX_FILTERS_LENGTH) {
    const what = members === undefined ? 'the filters have' : 'the filters and memberAccounts have';
    const problem = `${what} ${length} characters: the maximum is ${rules.MAX_FILTERS_LENGTH}. Use wildcards such as team/*:*, or several builders`;
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
    const accounts = [undefined, ...(props.memberAccounts ?? [])];
    checkLength(
      scope,
      'filters',
      accounts.flatMap(() => patterns),
    );
    return { filters, arns: accounts.flatMap((account) => patterns.map((pattern) => arnOf(scope, pattern, account))) };
  }
  const names = new CustomResource(scope, 'InvokeRepositoryNameParsingLambda', {
    serviceToken: createNameParsingFunction(scope, props).functionArn,
    resourceType: 'Custom::SociRepositoryNames',
    serviceTimeout: NAMES_SERVICE_TIMEOUT,
    properties: { filters, prefix: arnOf(scope, ''), memberAccounts: members },
  });
  return { filters, arns: Token.asList(names.getAtt('repository_arns')) };
}

/** Parses literal filters. An error names the wrong element. */
function parseGiven(scope: Construct, given: readonly string[]): Filters {
  try {
    return rules.parseFilters(given.join(','));
  } catch (error) {
    for (const [i, filter] of given.entries()) {
      const name = `filters: element ${i}, ${quote(filter)}`;
      // Exclusions alone are an error.
      validate(scope, name, () => rules.parseFilters(filter.trim().replace(/^!/, '')));
    }
    return fail(scope, 'filters', (error as Error).message);
  }
}

/** Creates the function of the custom resource. Its code is inline in the template. */
function createNameParsingFunction(scope: Construct, props: SociIndexBuilderProps): LambdaFunction {
  return createFunction(scope, 'RepositoryNameParsingLambda', props, {
    description: 'Extracts the repository names from the filters of a SOCI index builder during deployment.',
    code: Code.fromInline(readFileSync(assetPath('repository-names.js'), 'utf8')),
    memorySize: 256,
    timeout: Duration.seconds(30),
  });
}

/** Returns the ids of the member accounts as comma-separated text. Undefined without member accounts. */
export function memberAccountsOf({ memberAccounts = [] }: SociIndexBuilderProps): string | undefined {
  if (Token.isUnresolved(memberAccounts)) return Fn.join(',', memberAccounts);
  return memberAccounts.length === 0 ? undefined : memberAccounts.join(',');
}

/** @param account - Account of the repository. @default - that of the stack */
function arnOf(scope: Construct, resourceName: string, account?: string): string {
  return Stack.of(scope).formatArn({
    service: 'ecr',
    ...(account !== undefined && { account }),
    resource: 'repository',
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

/** Rejects a repository that no filter can match: its events would only invoke the filter function in vain. */
function checkMatches(scope: Construct, parsed: Filters, names: readonly string[]): void {
  const withAnyTag = rules.repositoryPatterns(parsed).map((pattern) => `${pattern}:*`);
  const { include } = rules.parseFilters(withAnyTag.join(','));
  const unmatched = names.find(
    (name) => !Token.isUnresolved(name) && !include.some((filter) => filter.matches(`${name}:v1`)),
  );
  if (unmatched === undefined) return;
  fail(scope, 'filters', `no filter matches the repository ${unmatched}: change the filters, or remove the repository`);
}

/** Rejects filters that exclude everything that they include, as far as this is decidable. */
function checkExclusions(scope: Construct, { include, exclude }: Filters, props: SociIndexBuilderProps): void {
  const outputTag = outputTagOf(props);
  // The filter function automatically excludes the output tags.
  const outputFilter = Token.isUnresolved(outputTag) ? undefined : rules.parseOutputTag(outputTag).outputFilter;
  const excluded = [...exclude, ...(outputFilter === undefined ? [] : rules.parseFilters(outputFilter).include)];
  // If a filter has only `*` wildcards and matches the text of another filter, it also matches all images of that filter.
  const plain = excluded.filter(({ text }) => !/[?[]/.test(text));
  if (!include.every(({ text }) => plain.some((filter) => filter.matches(text)))) return;
  const all = plain.map(({ text }) => `!${text}`).join(',');
  fail(scope, 'filters', `${all} excludes everything that the filters include: no image would be indexed`);
}

function checkLength(scope: Construct, name: string, patterns: readonly string[]): void {
  const length = patterns.reduce((sum, pattern) => sum + ARN_LENGTH + lengthOf(pattern), 0);
  if (length <= MAX_POLICY_LENGTH - OTHER_STATEMENTS_LENGTH) return;
  const problem = `${patterns.length} repositories need a policy of at least ${length} characters: the maximum for a role is ${MAX_POLICY_LENGTH}. Use wildcards such as team/*:*, or several builders`;
  fail(scope, name, problem);
}

/** Returns the length of a name, or the assumed length if it is a token. */
function lengthOf(name: string): number {
  return Token.isUnresolved(name) ? GENERATED_NAME_LENGTH : name.length;
}

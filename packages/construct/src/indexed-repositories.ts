import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, CustomResource, Fn, Stack, Token } from 'aws-cdk-lib';
import { Code, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { attempt, fail } from './check-props';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { rules } from './synth-rules';

/** Longest policy of a role, all inline policies together, in characters. @see IAM User Guide, "IAM and AWS STS quotas" */
const MAX_POLICY_LENGTH = 10_240;

/** What the other statements of the generator's role take, roomily. */
const OTHER_STATEMENTS_LENGTH = 2048;

/** What an ARN has around the repository's name, at its longest. */
const ARN_LENGTH = 'arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/",'.length;

/** The filters and what they are about. */
export interface IndexedRepositories {
  /** As the filtering function takes them. */
  readonly filters: string;
  /** ARNs of the repositories, which may have wildcards. */
  readonly arns: readonly string[];
}

/**
 * Finds the repositories that a builder is about: those that it was given, those that literal filters name, or, where the
 * filters are known only when the stack is deployed, those that a custom resource will find.
 *
 * @param findNames - Makes the function of the custom resource.
 */
export function findRepositories(
  scope: Construct,
  props: SociIndexBuilderProps,
  findNames: () => IFunction,
): IndexedRepositories {
  const { repositories } = props;
  const given = props.filters ?? repositories?.map(({ repositoryName }) => `${repositoryName}:*`) ?? ['*:*'];
  const isToken = Token.isUnresolved(given) || given.some((filter) => Token.isUnresolved(filter));
  const filters = isToken ? Fn.join(',', given) : given.join(',');
  const parsed = isToken ? undefined : attempt(scope, 'filters', () => rules.parseFilters(filters));
  if (repositories !== undefined) {
    checkLength(
      scope,
      'repositories',
      repositories.map(({ repositoryName }) => repositoryName),
    );
    return { filters, arns: repositories.map(({ repositoryArn }) => repositoryArn) };
  }
  if (parsed !== undefined) {
    const patterns = rules.repositoryPatterns(parsed);
    checkLength(scope, 'filters', patterns);
    return { filters, arns: patterns.map((pattern) => arnOf(scope, pattern)) };
  }
  const names = new CustomResource(scope, 'InvokeRepositoryNameParsingLambda', {
    serviceToken: findNames().functionArn,
    resourceType: 'Custom::SociRepositoryNames',
    properties: { filters, prefix: arnOf(scope, '') },
  });
  return { filters, arns: Token.asList(names.getAtt('repository_arns')) };
}

/** The code of the function that the custom resource calls: it stands in the template. */
export function repositoryNamesCode(): Code {
  return Code.fromInline(readFileSync(join(__dirname, '..', 'assets', 'repository-names.js'), 'utf8'));
}

function arnOf(scope: Construct, resourceName: string): string {
  return Stack.of(scope).formatArn({
    service: 'ecr',
    resource: 'repository',
    resourceName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

function checkLength(scope: Construct, name: string, patterns: readonly string[]): void {
  const length = patterns.reduce((sum, pattern) => sum + ARN_LENGTH + pattern.length, 0);
  if (length <= MAX_POLICY_LENGTH - OTHER_STATEMENTS_LENGTH) return;
  fail(
    scope,
    name,
    `${patterns.length} repositories are named, which takes a policy of ${length} characters and more, and IAM allows a role ${MAX_POLICY_LENGTH}: use wildcards, such as team/*:*, or several builders`,
  );
}

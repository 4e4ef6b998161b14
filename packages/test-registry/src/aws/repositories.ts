import type { Repository } from '../store/repository.ts';
import {
  AwsFailure,
  type AwsInput,
  type AwsRegistry,
  invalid,
  optionalTextOf,
  pageOf,
  textOf,
  textsOf,
} from './aws-call.ts';

/** @see Amazon ECR API Reference, CreateRepository, `repositoryName` */
const NAME_PATTERN = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** @see Amazon ECR API Reference, CreateRepository */
export function createRepository(aws: AwsRegistry, input: AwsInput) {
  const { store } = aws.registry;
  const name = textOf(input, 'repositoryName');
  if (name.length < 2 || name.length > 256 || !NAME_PATTERN.test(name)) {
    throw invalid('repositoryName', `must satisfy regular expression '${NAME_PATTERN.source}'`);
  }
  if (store.repository(name) !== undefined) {
    throw new AwsFailure(
      'RepositoryAlreadyExistsException',
      `The repository with name '${name}' already exists in the registry with id '${aws.registry.events.account}'`,
    );
  }
  const mutability = optionalTextOf(input, 'imageTagMutability');
  const isImmutable = mutability === undefined ? undefined : mutability === 'IMMUTABLE';
  return { repository: describe(aws, store.openRepository(name, isImmutable)) };
}

/** @see Amazon ECR API Reference, DescribeRepositories */
export function describeRepositories(aws: AwsRegistry, input: AwsInput) {
  const names = textsOf(input, 'repositoryNames', 100);
  if (names !== undefined) return { repositories: names.map((name) => describe(aws, findByName(aws, name))) };
  findRegistry(aws, input);
  const { items, nextToken } = pageOf(aws.registry.store.repositories(), input);
  return { repositories: items.map((repository) => describe(aws, repository)), nextToken };
}

/** Returns the repository of a call. @throws AwsFailure `RepositoryNotFoundException` */
export function findRepository(aws: AwsRegistry, input: AwsInput): Repository {
  return findByName(aws, textOf(input, 'repositoryName'), optionalTextOf(input, 'registryId'));
}

/** @see Amazon ECR API Reference, PutLifecyclePolicy */
export function putLifecyclePolicy(aws: AwsRegistry, input: AwsInput) {
  const repository = findRepository(aws, input);
  repository.lifecyclePolicy = textOf(input, 'lifecyclePolicyText');
  return { repositoryName: repository.name, lifecyclePolicyText: repository.lifecyclePolicy };
}

/** @see Amazon ECR API Reference, GetLifecyclePolicy */
export function getLifecyclePolicy(aws: AwsRegistry, input: AwsInput) {
  const { name, lifecyclePolicy } = findRepository(aws, input);
  if (lifecyclePolicy === undefined) {
    throw new AwsFailure(
      'LifecyclePolicyNotFoundException',
      `Lifecycle policy does not exist for the repository '${name}'`,
    );
  }
  return { repositoryName: name, lifecyclePolicyText: lifecyclePolicy };
}

/** @throws AwsFailure `AccessDeniedException` if the call is about another account */
function findRegistry({ registry }: AwsRegistry, input: AwsInput): void {
  const id = optionalTextOf(input, 'registryId') ?? registry.events.account;
  if (id !== registry.events.account) {
    throw new AwsFailure(
      'AccessDeniedException',
      `not authorized to perform ecr:DescribeRepositories on account ${id}`,
    );
  }
}

function findByName({ registry }: AwsRegistry, name: string, id = registry.events.account): Repository {
  const found = id === registry.events.account ? registry.store.repository(name) : undefined;
  if (found?.isDenied) {
    throw new AwsFailure('AccessDeniedException', `not authorized to perform this action on repository/${name}`);
  }
  if (found === undefined) {
    throw new AwsFailure(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${id}'`,
    );
  }
  return found;
}

function describe({ registry, proxyEndpoint }: AwsRegistry, { name, createdAt, immutableTags }: Repository) {
  const { account, region } = registry.events;
  return {
    registryId: account,
    repositoryName: name,
    repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${name}`,
    repositoryUri: `${new URL(proxyEndpoint).host}/${name}`,
    createdAt: createdAt.getTime() / 1000,
    imageTagMutability: immutableTags ? 'IMMUTABLE' : 'MUTABLE',
  };
}

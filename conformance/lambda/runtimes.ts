import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { onTestFinished } from 'vitest';
import { hasTools, type ToolName, toolPath } from '../tools/tools.ts';

/** A Lambda runtime: a version of Node with AWS's runtime client. */
export interface Runtime {
  /** Display name, such as `Node 24`. */
  readonly name: string;
  /** Whether its parts are installed. The other members need them. */
  readonly isAvailable: boolean;
  /** Path of its Node. */
  node(): string;
  /** Command that runs a function. `flags` are passed to Node. */
  program(...flags: readonly string[]): readonly string[];
}

/** The supported runtimes, oldest first. */
export const RUNTIMES: readonly Runtime[] = [runtime('Node 22', 'node22'), runtime('Node 24', 'node24')];

function runtime(name: string, node: ToolName): Runtime {
  return {
    name,
    isAvailable: hasTools(node, 'runtimeClient'),
    node: () => toolPath(node),
    program: (...flags) => [toolPath(node), ...flags, toolPath('runtimeClient'), 'index.handler'],
  };
}

/** Starts a registry that imitates Amazon ECR for the current test. */
export async function startEcr(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true, ...options });
  onTestFinished(() => registry.stop());
  return registry;
}

/** Starts a Lambda for the current test. */
export async function startLambda(account?: string): Promise<TestLambda> {
  const lambda = await startTestLambda({ retryDelay: 10, ...(account !== undefined && { account }) });
  onTestFinished(() => lambda.stop());
  return lambda;
}

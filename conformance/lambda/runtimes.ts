import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { onTestFinished } from 'vitest';
import { hasTools, type ToolName, toolPath } from '../tools/tools.ts';

/** A runtime of Lambda: a version of Node with AWS's own client of the Runtime API. */
export interface Runtime {
  /** For people: `Node 24`. */
  readonly name: string;
  /** Whether its parts are here. Without them nothing below can be asked for. */
  readonly isHere: boolean;
  /** Path of its Node. */
  node(): string;
  /** The program that runs a function. Flags are for Node. */
  program(...flags: readonly string[]): readonly string[];
}

/** The runtimes that the functions are made for, oldest first. */
export const RUNTIMES: readonly Runtime[] = [runtime('Node 22', 'node22'), runtime('Node 24', 'node24')];

function runtime(name: string, node: ToolName): Runtime {
  return {
    name,
    isHere: hasTools(node, 'runtimeClient'),
    node: () => toolPath(node),
    program: (...flags) => [toolPath(node), ...flags, toolPath('runtimeClient'), 'index.handler'],
  };
}

/** A registry as Amazon ECR is, for the test that runs. */
export async function startEcr(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true, ...options });
  onTestFinished(() => registry.stop());
  return registry;
}

/** A Lambda for the test that runs. */
export async function startLambda(account?: string): Promise<TestLambda> {
  const lambda = await startTestLambda({ retryDelay: 10, ...(account !== undefined && { account }) });
  onTestFinished(() => lambda.stop());
  return lambda;
}

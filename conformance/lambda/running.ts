import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { onTestFinished } from 'vitest';

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

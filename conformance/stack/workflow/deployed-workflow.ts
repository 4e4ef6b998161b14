import { matchesEventPattern, startTestLambda, type TestLambda } from '@soci/test-aws';
import { type ImageContent, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import type { AwsCalls } from '../aws/aws-calls.ts';
import { readCode } from '../aws/code-bucket.ts';
import { type DeployedFunction, type DeployedRule, getFunction, listRules } from '../aws/deployed.ts';
import type { DeployedStack } from '../aws/stack.ts';
import { createTestFunction } from '../aws/test-function.ts';
import type { Call } from '../iam/policy.ts';
import { callsOfEcr, callsOfRequests } from './calls.ts';
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';

/** An event of the registry. */
export type RegistryEvent = TestRegistry['events'][number];

/** A running stack: registry, rule and functions with the deployed settings. */
export class DeployedWorkflow {
  readonly registry: TestRegistry;
  readonly lambda: TestLambda;
  readonly filter: DeployedFunction;
  readonly generator: DeployedFunction;
  readonly rule: DeployedRule;
  readonly #ecr: RecordingProxy;
  readonly #requests: TestRegistry['requests'][number][] = [];
  #handedOn = 0;

  private constructor(
    parts: Pick<DeployedWorkflow, 'filter' | 'generator' | 'lambda' | 'registry' | 'rule'>,
    ecr: RecordingProxy,
  ) {
    ({ filter: this.filter, generator: this.generator, rule: this.rule } = parts);
    ({ lambda: this.lambda, registry: this.registry } = parts);
    this.#ecr = ecr;
  }

  /** Starts the workflow. @param bucket - Bucket with the code of the functions. */
  static async start(aws: AwsCalls, stack: DeployedStack, bucket: string): Promise<DeployedWorkflow> {
    const registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true });
    const ecr = await startRecordingProxy(registry.awsEndpoint);
    const lambda = await startTestLambda({ retryDelay: 10 });
    const [filter, generator] = [
      await getFunction(aws, stack, 'ECRImageActionEventFilteringLambda'),
      await getFunction(aws, stack, 'SociIndexGeneratorLambda'),
    ];
    const [rule] = await listRules(aws);
    const filterCode = await readCode(aws, bucket, 'ECRImageActionEventFilteringLambda');
    createTestFunction(lambda, filter, filterCode, { AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint });
    createTestFunction(lambda, generator, await readCode(aws, bucket, 'SociIndexGeneratorLambda'), {
      AWS_ENDPOINT_URL_ECR: ecr.endpoint,
      soci_registry_host: registry.host,
    });
    if (rule === undefined) throw new Error(`${stack.name} has no rule`);
    return new DeployedWorkflow({ registry, lambda, filter, generator, rule }, ecr);
  }

  /** Pushes an image and processes events until there are no more. */
  async push(repository: string, tag: string, made: ImageContent): Promise<void> {
    this.registry.createRepository(repository);
    await pushImage(this.registry, repository, tag, made);
    await this.#handOn();
  }

  /** Pushes an image that is archived before its event is processed. */
  async pushArchived(repository: string, tag: string, made: ImageContent): Promise<void> {
    await pushImage(this.registry, repository, tag, made);
    this.registry.archive(repository, tag);
    await this.#handOn();
  }

  /** Processes events until there are no more. */
  async #handOn(): Promise<void> {
    const pattern = JSON.parse(this.rule.EventPattern) as object;
    // All following requests are those of the functions.
    this.registry.clearRequests();
    while (this.#handedOn < this.registry.events.length) {
      for (const event of this.registry.events.slice(this.#handedOn)) {
        this.#handedOn += 1;
        if (matchesEventPattern(pattern, event)) this.lambda.enqueue(this.filter.FunctionName, event);
      }
      await this.lambda.idle();
    }
    this.#requests.push(...this.registry.requests);
  }

  /** Returns the results of a function. @throws Error with the log if it failed. */
  answersOf<Answer>({ FunctionName }: DeployedFunction): Answer[] {
    const runs = this.lambda.invocations.filter(({ functionName }) => functionName === FunctionName);
    return runs.map(({ outcome, log }) => {
      if (outcome.status !== 'success') throw new Error(`${JSON.stringify(outcome)}\n${log.join('\n')}`);
      return outcome.result as Answer;
    });
  }

  /** Returns all IAM calls of the generator to Amazon ECR. */
  get generatorCalls(): Call[] {
    return [...callsOfRequests(this.#requests), ...callsOfEcr(this.#ecr.calls)];
  }

  /** Returns all IAM calls of the filter to Lambda. The rule invoked the filter itself. */
  get filterCalls(): Call[] {
    const invoked = this.lambda.invocations.filter(({ functionName }) => functionName !== this.filter.FunctionName);
    return invoked.map(({ functionName }) => ({
      action: 'lambda:InvokeFunction',
      resource: this.filter.FunctionArn.replace(this.filter.FunctionName, functionName),
    }));
  }

  async stop(): Promise<void> {
    await Promise.all([this.lambda.stop(), this.registry.stop(), this.#ecr.stop()]);
  }
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { GENERATOR_BUNDLE, JOBS_BUNDLE } from '@soci/functions';
import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { REPORTS } from '../../run-report.ts';
import { ACCOUNT } from '../aws/aws-calls.ts';
import { fillBucket } from '../aws/code-bucket.ts';
import { type DeployedFunction, getFunction, getRole, getRolePolicies } from '../aws/deployed.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { bootstrap, DeployedStack, type StackParameters } from '../aws/stack.ts';
import { startTestCluster, type TestCluster } from '../aws/test-cluster.ts';
import { createTestFunction, testFunctionOptions } from '../aws/test-function.ts';
import type { Call, Policy } from '../iam/policy.ts';
import { type Resource, readTemplate, type TemplateName, templatePath } from '../templates/templates.ts';
import { callsOfEcr, callsOfEcs, callsOfEvents, callsOfLog, callsOfRequests, callsOfS3 } from '../workflow/calls.ts';
import { type RecordingProxy, startRecordingProxy } from '../workflow/recording-proxy.ts';

const TEMPLATE = 'registry-jobs';

/** Steps of the state machine, by the handler of their function. */
const STEPS = ['plan', 'list', 'merge', 'collect', 'report'] as const;

/** A function of the stack: the generator, or a step. */
export type JobFunction = 'generator' | (typeof STEPS)[number];

/** An execution of the state machine that has ended. */
export interface Execution {
  readonly executionArn: string;
  readonly status: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** The state machine as Step Functions describes it. */
interface StateMachine {
  readonly stateMachineArn: string;
  readonly definition: string;
  readonly roleArn: string;
}

/** A stack and the template that it was created with. */
interface Created {
  readonly stack: DeployedStack;
  /** Parameters that an update must set again. */
  readonly parameters: StackParameters;
  readonly template: TemplateName;
}

interface RunningFunction {
  readonly created: Created;
  readonly deployed: DeployedFunction;
  /** Additional variables with the endpoints of what the function calls. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly proxies: Readonly<Record<'ecr' | 'ecs' | 's3' | 'events', RecordingProxy>>;
}

/** The state machine in moto, its functions in a test Lambda, and a test registry. */
export class DeployedJobs {
  readonly registry: TestRegistry;
  readonly lambda: TestLambda;
  readonly bucket: string;
  /** The Amazon ECS cluster of the stack. */
  readonly cluster: TestCluster;
  readonly #moto: Moto;
  readonly #jobs: Created;
  readonly #stateMachine: string;
  readonly #functions: ReadonlyMap<JobFunction, RunningFunction>;

  private constructor(
    registry: TestRegistry,
    lambda: TestLambda,
    cluster: TestCluster,
    moto: Moto,
    jobs: Created,
    names: { readonly bucket: string; readonly stateMachine: string },
    functions: ReadonlyMap<JobFunction, RunningFunction>,
  ) {
    this.registry = registry;
    this.lambda = lambda;
    this.cluster = cluster;
    this.bucket = names.bucket;
    this.#moto = moto;
    this.#jobs = jobs;
    this.#stateMachine = names.stateMachine;
    this.#functions = functions;
  }

  /** Deploys the stack with the constructs. @param prepare - Changes the text of the template. */
  static async start(prepare: (template: string) => string = (text) => text): Promise<DeployedJobs> {
    const services = await startServices();
    const { aws } = services.moto;
    const path = writeTemplate(prepare);
    await bootstrap(aws, [path]);
    const stack = await DeployedStack.create(aws, 'jobs', {}, path);
    const created = { stack, parameters: {}, template: TEMPLATE } as const;
    return DeployedJobs.#connect(services, created, created);
  }

  /** Deploys the plain templates: a builder, and jobs that use its generator. Both index `prod/*:*`. */
  static async startPlain(parameters: StackParameters): Promise<DeployedJobs> {
    const services = await startServices();
    const { aws } = services.moto;
    await fillBucket(aws, 'code');
    const common = { QSS3BucketName: 'code', SociRepositoryImageTagFilters: 'prod/*:*' };
    const builder = await DeployedStack.create(aws, 'soci', { ...common, SociMinLayerSize: '1024' });
    const { GeneratorFunction = '' } = await builder.outputs();
    const required = { ...common, GeneratorFunction };
    const all = { ...required, ...parameters };
    const stack = await DeployedStack.create(aws, 'jobs', all, templatePath('plain-jobs'));
    return DeployedJobs.#connect(
      services,
      { stack, parameters: required, template: 'plain-jobs' },
      { stack: builder, parameters: {}, template: 'plain' },
    );
  }

  static async #connect(services: Services, jobs: Created, builder: Created): Promise<DeployedJobs> {
    const resources = await jobs.stack.resources();
    const [bucket, stateMachine] = ['AWS::S3::Bucket', 'AWS::StepFunctions::StateMachine'].map((type) => {
      const [found] = [...resources.values()].filter(({ ResourceType }) => ResourceType === type);
      return found?.PhysicalResourceId ?? '';
    }) as [string, string];
    const functions = new Map<JobFunction, RunningFunction>();
    for (const name of ['generator', ...STEPS] as const) {
      functions.set(name, await runFunction(name, name === 'generator' ? builder : jobs, services));
    }
    const { registry, lambda, cluster, moto } = services;
    return new DeployedJobs(registry, lambda, cluster, moto, jobs, { bucket, stateMachine }, functions);
  }

  /** Updates the stack. @param prepare - Changes the text of the template. */
  async update(prepare: (template: string) => string): Promise<void> {
    const apply = await this.prepareUpdate(prepare);
    await apply();
  }

  /** Updates the stack. @param parameters - Values of the parameters that are not required. The others get their defaults. */
  async updateParameters(parameters: StackParameters): Promise<void> {
    const { stack, parameters: required } = this.#jobs;
    const apply = await this.#prepare(() => stack.update({ ...required, ...parameters }));
    await apply();
  }

  /** Updates the stack. Its functions run with the old settings until the returned function is called. */
  prepareUpdate(prepare: (template: string) => string): Promise<() => Promise<void>> {
    return this.#prepare(() => this.#jobs.stack.update({}, writeTemplate(prepare)));
  }

  async #prepare(update: () => Promise<void>): Promise<() => Promise<void>> {
    const before = await this.#describeFunctions();
    await update();
    const after = await this.#describeFunctions();
    const changed = [...after].filter(
      ([name, { Environment }]) => JSON.stringify(Environment) !== JSON.stringify(before.get(name)?.Environment),
    );
    const options = changed.map(([name, deployed]) =>
      testFunctionOptions(deployed, readFileSync(zipOf(name)), this.#function(name).endpoints),
    );
    return async () => {
      await Promise.all(options.map((each) => this.lambda.updateFunction(each)));
    };
  }

  async #describeFunctions(): Promise<Map<JobFunction, DeployedFunction>> {
    const described = new Map<JobFunction, DeployedFunction>();
    for (const [name, { created }] of this.#functions) {
      described.set(name, await getFunction(this.#moto.aws, created.stack, findFunction(name, created.template)));
    }
    return described;
  }

  /** Starts the state machine and waits for its end. */
  async run(input: object = {}, name = 'run'): Promise<Execution> {
    const { executionArn } = await this.begin(input, name);
    return this.end(executionArn);
  }

  /** Starts the state machine. */
  begin(input: object, name: string): Promise<{ readonly executionArn: string }> {
    const request = { stateMachineArn: this.#stateMachine, name, input: JSON.stringify(input) };
    return this.#moto.aws.json('states', 'AWSStepFunctions.StartExecution', request);
  }

  /** Waits for the end of an execution. */
  async end(executionArn: string): Promise<Execution> {
    for (;;) {
      const found = await this.#moto.aws.json<Execution>('states', 'AWSStepFunctions.DescribeExecution', {
        executionArn,
      });
      if (found.status !== 'RUNNING') return found;
      await wait(100);
    }
  }

  /** Reads JSON from the bucket. */
  async read<Content>(key: string): Promise<Content> {
    return JSON.parse(await this.readText(key)) as Content;
  }

  /** Reads text from the bucket. */
  async readText(key: string): Promise<string> {
    return (await this.#moto.aws.get('s3', `/${this.bucket}/${key}`)).toString();
  }

  /** Writes an object to the bucket. */
  async write(key: string, content: string): Promise<void> {
    await this.#moto.aws.putObject(this.bucket, key, Buffer.from(content));
  }

  /** Lists the keys in the bucket that start with a prefix. */
  async list(prefix: string): Promise<string[]> {
    const path = `/${this.bucket}?list-type=2&prefix=${encodeURIComponent(prefix)}`;
    const text = (await this.#moto.aws.get('s3', path)).toString();
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
  }

  /** Describes the state machine. */
  describeMachine(): Promise<StateMachine> {
    const request = { stateMachineArn: this.#stateMachine };
    return this.#moto.aws.json('states', 'AWSStepFunctions.DescribeStateMachine', request);
  }

  /** Returns the ARN of a role by a part of its logical id. */
  async roleOf(id: string): Promise<string> {
    const found = (await this.#roles()).find(([logicalId]) => logicalId.includes(id));
    return `arn:aws:iam::${ACCOUNT}:role/${found?.[1] ?? ''}`;
  }

  /** Returns the permissions boundary of each role of the stack. */
  async boundaries(): Promise<(string | undefined)[]> {
    const roles = await Promise.all((await this.#roles()).map(([id]) => getRole(this.#moto.aws, this.#jobs.stack, id)));
    return roles.map(({ PermissionsBoundary }) => PermissionsBoundary?.PermissionsBoundaryArn);
  }

  /** Returns the roles of the stack: logical ids and names. */
  async #roles(): Promise<[string, string][]> {
    const resources = [...(await this.#jobs.stack.resources())];
    return resources.flatMap(([id, { ResourceType, PhysicalResourceId }]) =>
      ResourceType === 'AWS::IAM::Role' ? [[id, PhysicalResourceId]] : [],
    );
  }

  /** Returns the policies of a role. */
  policiesOfRole(arn: string): Promise<Policy[]> {
    return getRolePolicies(this.#moto.aws, { Role: arn });
  }

  /** Returns the policies of the role of a function. */
  policies(name: JobFunction): Promise<Policy[]> {
    return getRolePolicies(this.#moto.aws, this.#function(name).deployed);
  }

  /** Returns all calls of a function so far. */
  calls(name: JobFunction): Call[] {
    const { deployed, proxies } = this.#function(name);
    return [
      ...callsOfEcr(proxies.ecr.calls),
      ...callsOfEcs(proxies.ecs.calls),
      ...callsOfS3(proxies.s3.calls),
      ...callsOfEvents(proxies.events.calls),
      ...callsOfLog(deployed.FunctionName),
      ...(name === 'generator' ? callsOfRequests(this.registry.requests) : []),
    ];
  }

  /** Waits for the end of the next invocation of a function. */
  waitForInvocation(name: JobFunction): Promise<void> {
    return new Promise((resolve) => {
      const remove = this.lambda.onInvocation(({ functionName }) => {
        if (functionName !== this.#function(name).deployed.FunctionName) return;
        remove();
        resolve();
      });
    });
  }

  /** Returns the ARN of a function. */
  arnOf(name: JobFunction): string {
    return this.#function(name).deployed.FunctionArn;
  }

  #function(name: JobFunction): RunningFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw new Error(`${name} is not deployed`);
    return found;
  }

  async stop(): Promise<void> {
    const proxies = [...this.#functions.values()].flatMap(({ proxies: each }) => Object.values(each));
    await Promise.all([this.#moto, this.lambda, this.registry, this.cluster, ...proxies].map((each) => each.stop()));
  }
}

/** What the stacks run on. */
interface Services {
  readonly registry: TestRegistry;
  readonly lambda: TestLambda;
  readonly cluster: TestCluster;
  readonly moto: Moto;
}

async function startServices(): Promise<Services> {
  const registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true });
  const lambda = await startTestLambda({ retryDelay: 10 });
  return { registry, lambda, cluster: await startTestCluster(), moto: await startMoto({}, lambda.endpoint) };
}

async function runFunction(
  name: JobFunction,
  created: Created,
  { registry, lambda, cluster, moto: { aws } }: Services,
): Promise<RunningFunction> {
  const deployed = await getFunction(aws, created.stack, findFunction(name, created.template));
  const [ecr, ecs, s3, events] = await Promise.all([
    startRecordingProxy(registry.awsEndpoint),
    startRecordingProxy(cluster.endpoint),
    startRecordingProxy(aws.url),
    startRecordingProxy(aws.url),
  ]);
  const endpoints = {
    AWS_ENDPOINT_URL_ECR: ecr.endpoint,
    AWS_ENDPOINT_URL_ECS: ecs.endpoint,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: events.endpoint,
    ...(name === 'generator' && { soci_registry_host: registry.host }),
  };
  createTestFunction(lambda, deployed, readFileSync(zipOf(name)), endpoints);
  return { created, deployed, endpoints, proxies: { ecr, ecs, s3, events } };
}

function zipOf(name: JobFunction): string {
  return (name === 'generator' ? GENERATOR_BUNDLE : JOBS_BUNDLE).zip;
}

/** Returns the logical id of a function. */
function findFunction(name: JobFunction, template: TemplateName): string {
  const isWanted = (id: string, { Type, Properties }: Resource) =>
    Type === 'AWS::Lambda::Function' &&
    (name === 'generator' ? id.includes('SociIndexGenerator') : Properties?.Handler === `${name}.handler`);
  const [found] = Object.entries(readTemplate(template).Resources).filter(([id, resource]) => isWanted(id, resource));
  if (found === undefined) throw new Error(`${template} has no function ${name}`);
  return found[0];
}

/** Writes the template with the changes of a test. Returns its path. */
function writeTemplate(prepare: (template: string) => string): string {
  const path = join(REPORTS.stack.folder, 'templates', `${TEMPLATE}-prepared.json`);
  writeFileSync(path, prepare(readFileSync(templatePath(TEMPLATE), 'utf8')));
  return path;
}

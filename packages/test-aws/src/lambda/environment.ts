import { TestAwsError } from '../errors.ts';

/** Most bytes that the variables of a function's own may have together. @see "Lambda quotas" */
const MAX_SIZE = 4096;

/** What only Lambda sets. @see AWS Lambda Developer Guide, "Defined runtime environment variables" */
const RESERVED: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
]);

/** What the environment of a process tells it. */
interface EnvironmentFacts {
  readonly name: string;
  readonly folder: string;
  readonly handler: string;
  readonly memorySize: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly region: string;
  readonly logStream: string;
  /** Host and port of the Runtime API. */
  readonly runtimeApi: string;
}

/** All variables of a function's process. Of ours it gets PATH only. */
export function environmentOf(facts: EnvironmentFacts): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64',
    ...facts.environment,
    AWS_LAMBDA_RUNTIME_API: facts.runtimeApi,
    _HANDLER: facts.handler,
    LAMBDA_TASK_ROOT: facts.folder,
    AWS_REGION: facts.region,
    AWS_DEFAULT_REGION: facts.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: facts.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(facts.memorySize),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${facts.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: facts.logStream,
    AWS_ACCESS_KEY_ID: 'ASIATESTTESTTESTTEST',
    AWS_SECRET_ACCESS_KEY: 'test-secret-access-key',
    AWS_SESSION_TOKEN: 'test-session-token',
  };
}

/** @throws TestAwsError `OPTION_INVALID` where Lambda would refuse variables of a function's own. */
export function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  let size = 0;
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[a-zA-Z]\w+$/.test(name)) throw invalid(`a variable cannot be called ${JSON.stringify(name)}`);
    if (RESERVED.has(name)) throw invalid(`the variable ${name} is Lambda's own`);
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > MAX_SIZE) throw invalid(`the variables have ${size} bytes: at most ${MAX_SIZE}`);
}

function invalid(message: string): TestAwsError {
  return new TestAwsError('OPTION_INVALID', message);
}

import { statSync } from 'node:fs';
import { TestAwsError } from '../errors.ts';

/** Options of a function. */
export interface TestFunctionOptions {
  /** Name: up to 64 letters, digits, `-` and `_`. */
  readonly name: string;
  /** Folder with the unpacked code, which is also the working directory. */
  readonly folder: string;
  /** File without extension, and exported function. @default 'index.handler' */
  readonly handler?: string;
  /** Environment variables, at most 4 KB. @default - no variables */
  readonly environment?: Readonly<Record<string, string>>;
  /** Timeout of an invocation, 1 to 1,800 seconds. @default 3 */
  readonly timeout?: number;
  /** Reported memory, 128 to 10,240 MB. It is not enforced, except by a `launcher`. @default 128 */
  readonly memorySize?: number;
  /** Maximum number of processes. Further invocations wait. @default 10 */
  readonly concurrency?: number;
  /** Path of the Node.js executable. @default - that of this process */
  readonly node?: string;
  /** Runtime client: a program with arguments. @default - `node` with the runtime client of this package */
  readonly runtimeClient?: readonly string[];
  /** Command in front of the program, for example to limit its memory. It must `exec` the program. @default - no launcher */
  readonly launcher?: readonly string[];
}

/** A function that can be invoked. */
export interface TestFunction {
  readonly name: string;
  /** ARN, such as `arn:aws:lambda:us-east-1:123456789012:function:NAME`. */
  readonly arn: string;
}

/** Options with defaults. */
export type FunctionSettings = Required<Omit<TestFunctionOptions, 'runtimeClient'>> &
  Pick<TestFunctionOptions, 'runtimeClient'>;

/** Validates options and adds defaults. @throws TestAwsError `OPTION_INVALID` if Lambda would reject an option. */
export function settingsOf(options: TestFunctionOptions): FunctionSettings {
  const settings: FunctionSettings = {
    handler: 'index.handler',
    environment: {},
    timeout: 3,
    memorySize: 128,
    concurrency: 10,
    node: process.execPath,
    launcher: [],
    ...options,
  };
  const { name, folder, handler, runtimeClient } = settings;
  if (!/^[\w-]{1,64}$/.test(name)) throw invalid(`invalid function name ${JSON.stringify(name)}`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw invalid(`${folder} is not a folder`);
  if (!/^[^\s.][^\s]*\.[^\s./]+$/.test(handler)) throw invalid(`handler is ${handler}: expected FILE.FUNCTION`);
  if (runtimeClient?.length === 0) throw invalid('runtimeClient is empty');
  checkWhole('timeout', settings.timeout, 1, MAX_TIMEOUT);
  checkWhole('memorySize', settings.memorySize, 128, 10_240);
  checkWhole('concurrency', settings.concurrency, 1, 1000);
  checkEnvironment(settings);
  return settings;
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(`${name} is ${value}: expected a whole number from ${min} to ${max}`);
}

function invalid(message: string): TestAwsError {
  return new TestAwsError('OPTION_INVALID', message);
}

/** Maximum timeout, in seconds. @see "Lambda quotas": 1,800 seconds since November 2026 */
const MAX_TIMEOUT = 1800;

/** Maximum total size of a function's variables, in bytes. @see "Lambda quotas" */
const MAX_SIZE = 4096;

/** Reserved variables that Lambda does not set for a process. */
const RESERVED = ['_X_AMZN_TRACE_ID', 'AWS_ACCESS_KEY', 'LAMBDA_RUNTIME_DIR'];

function checkEnvironment(settings: FunctionSettings): void {
  const reserved = [
    ...RESERVED,
    ...Object.keys(lambdaVariables(settings, { region: '', logStream: '', runtimeApi: '' })),
  ];
  let size = 0;
  for (const [name, value] of Object.entries(settings.environment)) {
    if (!/^[a-zA-Z]\w+$/.test(name)) throw invalid(`invalid variable name ${JSON.stringify(name)}`);
    if (reserved.includes(name)) throw invalid(`the variable ${name} is reserved by Lambda`);
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > MAX_SIZE) throw invalid(`the variables have ${size} bytes: the maximum is ${MAX_SIZE}`);
}

/** Properties of a function's process. */
interface ProcessContext {
  readonly region: string;
  readonly logStream: string;
  /** Host and port of the Runtime API. */
  readonly runtimeApi: string;
}

/** Returns all variables of a function's process. Only PATH is inherited. */
export function environmentOf(settings: FunctionSettings, context: ProcessContext): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64',
    ...settings.environment,
    ...lambdaVariables(settings, context),
  };
}

/** Returns the variables that Lambda sets. @see AWS Lambda Developer Guide, "Defined runtime environment variables" */
function lambdaVariables({ name, folder, handler, memorySize }: FunctionSettings, context: ProcessContext) {
  return {
    AWS_LAMBDA_RUNTIME_API: context.runtimeApi,
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: folder,
    AWS_REGION: context.region,
    AWS_DEFAULT_REGION: context.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: context.logStream,
    AWS_ACCESS_KEY_ID: 'ASIATESTTESTTESTTEST',
    AWS_SECRET_ACCESS_KEY: 'test-secret-access-key',
    AWS_SESSION_TOKEN: 'test-session-token',
  };
}

import { statSync } from 'node:fs';
import { TestAwsError } from '../errors.ts';

/** A function: its code, and how it is run. */
export interface TestFunctionOptions {
  /** Letters, digits, `-` and `_`; at most 64. */
  readonly name: string;
  /** The folder of its code, unpacked. It runs there. */
  readonly folder: string;
  /** File without its extension, and exported function. @default 'index.handler' */
  readonly handler?: string;
  /** Variables of its own, at most 4 KB of them. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whole seconds that an invocation may take, 1 to 900. @default 3 */
  readonly timeout?: number;
  /** Megabytes that it is told to have, 128 to 10,240. Nothing holds it to them but a `launcher` that does. @default 128 */
  readonly memorySize?: number;
  /** Most processes at a time; further invocations wait for one. @default 10 */
  readonly concurrency?: number;
  /** Path of the Node that runs it. @default the one of this process */
  readonly node?: string;
  /** The program, with its arguments, that speaks the Runtime API. @default `node` with the small one of this package */
  readonly runtimeClient?: readonly string[];
  /** Words put in front of the program, as of a command that limits its memory and then becomes it by `exec`. @default none */
  readonly launcher?: readonly string[];
}

/** A function that can be invoked. */
export interface TestFunction {
  readonly name: string;
  /** Such as `arn:aws:lambda:us-east-1:123456789012:function:NAME`. */
  readonly arn: string;
}

/** Options with what is not said filled in. */
export type FunctionSettings = Required<Omit<TestFunctionOptions, 'runtimeClient'>> &
  Pick<TestFunctionOptions, 'runtimeClient'>;

/** @throws TestAwsError `OPTION_INVALID` where Lambda would refuse it. */
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
  if (!/^[\w-]{1,64}$/.test(name)) throw invalid(`a function cannot be called ${JSON.stringify(name)}`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw invalid(`${folder} is no folder`);
  if (!/^[^\s.][^\s]*\.[^\s./]+$/.test(handler)) throw invalid(`handler ${handler}: FILE.FUNCTION is expected`);
  if (runtimeClient?.length === 0) throw invalid('runtimeClient names no program');
  checkWhole('timeout', settings.timeout, 1, 900);
  checkWhole('memorySize', settings.memorySize, 128, 10_240);
  checkWhole('concurrency', settings.concurrency, 1, 1000);
  checkEnvironment(settings);
  return settings;
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${what} is ${value}: a whole number from ${least} to ${most} is expected`);
}

function invalid(message: string): TestAwsError {
  return new TestAwsError('OPTION_INVALID', message);
}

/** Most bytes that the variables of a function's own may have together. @see "Lambda quotas" */
const MAX_SIZE = 4096;

/** What only Lambda may set, besides the variables that a process gets. */
const RESERVED = ['_X_AMZN_TRACE_ID', 'AWS_ACCESS_KEY', 'LAMBDA_RUNTIME_DIR'];

function checkEnvironment(settings: FunctionSettings): void {
  const reserved = [
    ...RESERVED,
    ...Object.keys(lambdaVariables(settings, { region: '', logStream: '', runtimeApi: '' })),
  ];
  let size = 0;
  for (const [name, value] of Object.entries(settings.environment)) {
    if (!/^[a-zA-Z]\w+$/.test(name)) throw invalid(`a variable cannot be called ${JSON.stringify(name)}`);
    if (reserved.includes(name)) throw invalid(`the variable ${name} is Lambda's own`);
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > MAX_SIZE) throw invalid(`the variables have ${size} bytes: at most ${MAX_SIZE}`);
}

/** Where the process of a function runs. */
interface ProcessPlace {
  readonly region: string;
  readonly logStream: string;
  /** Host and port of the Runtime API. */
  readonly runtimeApi: string;
}

/** All variables of a function's process. Of ours it gets PATH only. */
export function environmentOf(settings: FunctionSettings, place: ProcessPlace): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64',
    ...settings.environment,
    ...lambdaVariables(settings, place),
  };
}

/** @see AWS Lambda Developer Guide, "Defined runtime environment variables" */
function lambdaVariables({ name, folder, handler, memorySize }: FunctionSettings, place: ProcessPlace) {
  return {
    AWS_LAMBDA_RUNTIME_API: place.runtimeApi,
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: folder,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: place.logStream,
    AWS_ACCESS_KEY_ID: 'ASIATESTTESTTESTTEST',
    AWS_SECRET_ACCESS_KEY: 'test-secret-access-key',
    AWS_SESSION_TOKEN: 'test-session-token',
  };
}

import { statSync } from 'node:fs';
import { TestAwsError } from '../errors.ts';
import { checkEnvironment } from './environment.ts';

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
  /**
   * Megabytes that it is told to have, 128 to 10,240. Nothing holds it to them but a `launcher` that does.
   *
   * @default 128
   */
  readonly memorySize?: number;
  /** Most processes at a time; further invocations wait for one. @default 10 */
  readonly concurrency?: number;
  /** Path of the Node that runs it. @default the one of this process */
  readonly node?: string;
  /** The program, with its arguments, that speaks the Runtime API. @default `node` with the small one of this package */
  readonly runtimeClient?: readonly string[];
  /**
   * Words put in front of the program, as of a command that limits its memory and then becomes it by `exec`.
   *
   * @default none
   */
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
  checkEnvironment(settings.environment);
  return settings;
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${what} is ${value}: a whole number from ${least} to ${most} is expected`);
}

function invalid(message: string): TestAwsError {
  return new TestAwsError('OPTION_INVALID', message);
}

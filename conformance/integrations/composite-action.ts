import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type ProgramRun, runProgram } from '../registries/run-program.ts';

/** A composite action with steps that run in bash, as its metadata file describes it. */
export interface CompositeAction {
  readonly inputs: Readonly<Record<string, ActionInput>>;
  readonly outputs: Readonly<Record<string, { readonly description: string; readonly value: string }>>;
  readonly steps: readonly ActionStep[];
}

interface ActionInput {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
}

interface ActionStep {
  readonly id: string;
  readonly shell: 'bash';
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}

/** What a run of an action left behind. */
export interface ActionRun extends ProgramRun {
  readonly outputs: Readonly<Record<string, string>>;
  /** The job summary, in Markdown. */
  readonly summary: string;
}

/** Reads the metadata of an action. Rejects keys that {@link runAction} does not know, so that no key is ignored. */
export function readAction(path: string): CompositeAction {
  const { inputs, outputs, runs, ...others } = parse(readFileSync(path, 'utf8'));
  const { using, steps, ...otherRuns } = runs;
  checkKeys('action', others, ['name', 'description']);
  checkKeys('runs', otherRuns, []);
  if (using !== 'composite') throw new Error(`using: ${using}`);
  for (const [name, input] of Object.entries<object>(inputs)) {
    checkKeys(`input ${name}`, input, ['description', 'required', 'default']);
    // The runner converts no value: an input is text.
    const { default: value } = input as ActionInput;
    if (value !== undefined && typeof value !== 'string') throw new Error(`the default of ${name} is not text`);
  }
  for (const output of Object.values<object>(outputs)) checkKeys('output', output, ['description', 'value']);
  for (const step of steps) {
    checkKeys('step', step, ['id', 'shell', 'env', 'run']);
    if (step.shell !== 'bash') throw new Error(`shell: ${step.shell}`);
    if (step.run.includes('${{')) throw new Error('a script contains an expression, whose value the shell would run');
  }
  return { inputs, outputs, steps };
}

/**
 * Runs an action as GitHub's runner does: evaluates the expressions of `env` and of the outputs, runs each script from a
 * file with the runner's options for bash, and reads what the scripts wrote to `GITHUB_OUTPUT`.
 *
 * @param folder - Empty folder for the files of the runner.
 */
export async function runAction(
  action: CompositeAction,
  given: Readonly<Record<string, string>>,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<ActionRun> {
  for (const name of Object.keys(given)) if (!(name in action.inputs)) throw new Error(`unexpected input ${name}`);
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: value = '' }]) => [name, value]),
  );
  const context: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...inputs, ...given })) context[`inputs.${name}`] = value;
  let run: ProgramRun = { code: 0, stdout: Buffer.alloc(0), stderr: '' };
  mkdirSync(folder, { recursive: true });
  const summary = join(folder, 'summary.md');
  writeFileSync(summary, '');
  for (const step of action.steps) {
    const [script, output] = [join(folder, `${step.id}.sh`), join(folder, `${step.id}.output`)];
    writeFileSync(script, step.run);
    writeFileSync(output, '');
    const stepEnv = Object.fromEntries(
      Object.entries(step.env).map(([name, value]) => [name, evaluate(value, context)]),
    );
    run = await runProgram('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
      env: { ...env, ...stepEnv, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary },
    });
    for (const [name, value] of readOutputs(readFileSync(output, 'utf8'))) {
      context[`steps.${step.id}.outputs.${name}`] = value;
    }
    if (run.code !== 0) break;
  }
  const outputs = Object.entries(action.outputs).map(([name, { value }]) => [name, evaluate(value, context)]);
  return { ...run, outputs: Object.fromEntries(outputs), summary: readFileSync(summary, 'utf8') };
}

/** Evaluates expressions that are a name, such as `${{ inputs.image }}`. An output that no step has set is empty. */
function evaluate(text: string, context: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, name: string) => {
    if (name in context) return context[name];
    if (/^steps\.[\w-]+\.outputs\./.test(name)) return '';
    throw new Error(`unknown name in an expression: ${name}`);
  });
}

/** Reads lines of `NAME=VALUE`. The runner also knows a form with several lines, which the action does not use. */
function readOutputs(text: string): [string, string][] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const at = line.indexOf('=');
    if (at <= 0) throw new Error(`invalid line in GITHUB_OUTPUT: ${line}`);
    return [line.slice(0, at), line.slice(at + 1)];
  });
}

function checkKeys(what: string, object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${what} has unknown keys: ${unknown.join(', ')}`);
}

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { toolPath } from '../../tools/tools.ts';
import { ROOT } from '../ci-machine.ts';
import { type Arguments, sorted } from './from-template.ts';

/** Folder of the module. */
export const MODULE: string = join(ROOT, 'apps', 'terraform');

/** Values of variables. */
export type Variables = Readonly<Record<string, unknown>>;

/** What the module creates for values of variables, or why it rejects them. */
export interface Evaluation {
  readonly errors?: readonly string[];
  readonly resources?: Readonly<Record<string, Arguments>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** Arguments without a counterpart in the template: names, which CloudFormation generates, and tags. */
const OWN_ARGUMENTS = new Set(['name', 'name_prefix', 'function_name', 'alarm_name', 'tags']);

/**
 * Evaluates the module with HashiCorp's parser and expression language (`evaluate/`), without a provider.
 *
 * @returns Problems of the module, such as cycles, unused declarations and files that are not formatted, and the result of each
 * case.
 */
export function evaluateModule(cases: readonly Variables[]): { problems: string[]; results: Evaluation[] } {
  const output = execFileSync(toolPath('evaluate'), [MODULE], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 100_000_000,
  });
  const [problems, ...results] = JSON.parse(output) as [string[], ...Evaluation[]];
  return { problems, results };
}

/**
 * Returns the value of the variable for the value of a parameter: texts with commas are lists, `true` and `false`
 * booleans, and numbers numbers.
 *
 * @param sample - A value of the variable, such as its default.
 */
export function variableValue(text: string, sample: unknown): unknown {
  if (Array.isArray(sample)) return text === '' ? [] : text.split(',');
  if (typeof sample === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (typeof sample === 'number' && text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
  return text;
}

/** Returns the resources with text as scalars, with policies as objects, and without names and tags. */
export function comparable(resources: Readonly<Record<string, Arguments>>): Map<string, Arguments> {
  const entries = Object.entries(resources).map(([address, args]) => {
    // The name of a mapped function and of the target of a permission has a counterpart.
    const own = (key: string) => OWN_ARGUMENTS.has(key) && !(key === 'function_name' && args.runtime === undefined);
    const kept = Object.entries(args).filter(([key, value]) => value !== null && !own(key));
    return [address, Object.fromEntries(kept.map(([key, value]) => [key, normalize(value)]))] as const;
  });
  return new Map(entries);
}

function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, normalize(each)]));
  }
  const text = String(value);
  if (text.startsWith('{"')) {
    const document = normalize(JSON.parse(text)) as { Statement?: unknown[] };
    return document.Statement === undefined ? document : { ...document, Statement: sorted(document.Statement) };
  }
  return text.replace(/\$\{aws_lambda_function\.(\w+)\.function_name\}/, (_, name) =>
    name === 'filter' ? 'soci-ECRImageActionEventFilteringLambda' : 'soci-SociIndexGeneratorLambda',
  );
}

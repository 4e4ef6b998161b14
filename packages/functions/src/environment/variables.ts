import type { EcrEventKind } from '@soci/filter';
import { FunctionError } from '../errors.ts';

/** Environment variables as they come: of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Longest part of a value that a message repeats, in characters. */
const SHOWN_LENGTH = 80;

/**
 * Reads environment variables one by one, and tells of all that is wrong with them at once. A variable that is empty is
 * as good as absent: CloudFormation has no other way to leave one out.
 */
export class VariableReader {
  readonly #environment: Environment;
  readonly #faults: string[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** A text that must be there; empty where it is not, which `finish` will tell. */
  required(name: string, expected: string): string {
    const value = this.#environment[name] ?? '';
    if (value.trim() === '') this.#faults.push(`${name} is missing: expected ${expected}`);
    return value;
  }

  /** A text that may be absent. */
  optional(name: string): string | undefined {
    return this.#environment[name]?.trim() || undefined;
  }

  /** One of some words. */
  choice<const Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const value = this.optional(name);
    if (value === undefined) return fallback;
    const word = words.find((each) => each === value);
    if (word === undefined) this.#fault(name, value, words.join(' or '));
    return word ?? fallback;
  }

  /** `true` or `false`. */
  flag(name: string, fallback: boolean): boolean {
    return this.choice(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  /** A whole number of a range, both ends included. */
  wholeNumber(name: string, fallback: number, least: number, most: number): number {
    const value = this.optional(name);
    if (value === undefined) return fallback;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    this.#fault(name, value, `a whole number from ${least} to ${most}`);
    return fallback;
  }

  /** What `read` makes of a text; an error that it throws is a fault of the variable. */
  parsed<Value>(name: string, text: string, fallback: Value, read: (text: string) => Value): Value {
    if (text === '') return fallback;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#faults.push(`${name}: ${error.message}`);
      return fallback;
    }
  }

  /** @throws FunctionError `ENVIRONMENT_INVALID` with everything that was found wrong. */
  finish(): void {
    if (this.#faults.length === 0) return;
    throw new FunctionError('ENVIRONMENT_INVALID', `invalid environment: ${this.#faults.join('; ')}`);
  }

  #fault(name: string, value: string, expected: string): void {
    const shown = value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}...` : value;
    this.#faults.push(`${name} is ${JSON.stringify(shown)}: expected ${expected}`);
  }
}

const KINDS: readonly EcrEventKind[] = ['push', 'replication', 'pull-through-cache'];

/** Reads `soci_event_kinds`: kinds of event, separated by commas. */
export function readEventKinds(variables: VariableReader): readonly EcrEventKind[] {
  const text = variables.optional('soci_event_kinds') ?? 'push';
  return variables.parsed('soci_event_kinds', text, KINDS, (list) =>
    list.split(',').map((entry) => {
      const kind = KINDS.find((each) => each === entry.trim());
      if (kind === undefined)
        throw new Error(`${JSON.stringify(entry.trim().slice(0, 80))} is none of ${KINDS.join(', ')}`);
      return kind;
    }),
  );
}

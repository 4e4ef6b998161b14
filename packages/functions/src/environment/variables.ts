import type { EcrEventKind } from '@soci/filter';
import { quoteText } from '@soci/oci';
import { FunctionError } from '../errors.ts';

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads environment variables and collects their faults for one error. An empty variable counts as unset, because templates cannot
 * always omit a variable.
 */
export class VariableReader {
  readonly #environment: Environment;
  readonly #faults: string[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Reads a required string. If it is missing, returns an empty string and `finish` reports the fault. */
  required(name: string, expected: string): string {
    const value = this.#environment[name] ?? '';
    if (value.trim() === '') this.#faults.push(`${name} is missing: expected ${expected}`);
    return value;
  }

  /** Reads an optional string. */
  optional(name: string): string | undefined {
    return this.#environment[name]?.trim() || undefined;
  }

  /** Reads one of several words. */
  choice<const Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const value = this.optional(name);
    if (value === undefined) return fallback;
    const word = words.find((each) => each === value);
    if (word === undefined) this.#fault(name, value, words.join(' or '));
    return word ?? fallback;
  }

  /** Reads `true` or `false`. */
  flag(name: string, fallback: boolean): boolean {
    return this.choice(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  /** Reads a whole number in an inclusive range. */
  wholeNumber(name: string, fallback: number, min: number, max: number): number {
    const value = this.optional(name);
    if (value === undefined) return fallback;
    const number = parseWholeNumber(value);
    if (number >= min && number <= max) return number;
    this.#fault(name, value, `a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** Reads a word, or a whole number in an inclusive range. */
  wordOrNumber<const Word extends string>(
    name: string,
    word: Word,
    min: number,
    max: number,
  ): Word | number | undefined {
    const value = this.optional(name);
    if (value === undefined || value === word) return value as Word | undefined;
    const number = parseWholeNumber(value);
    if (number >= min && number <= max) return number;
    this.#fault(name, value, `a whole number from ${min} to ${max}, or ${word}`);
    return undefined;
  }

  /** Parses `text` with `parse`. An error that `parse` throws becomes a fault of the variable. */
  parsed<Value>(name: string, text: string, fallback: Value, parse: (text: string) => Value): Value {
    if (text === '') return fallback;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#faults.push(`${name}: ${error.message}`);
      return fallback;
    }
  }

  /** Adds a fault of a variable that contradicts another one. */
  reject(name: string, problem: string): void {
    this.#faults.push(`${name} is ${quoteText(this.#environment[name] ?? '')}: it ${problem}`);
  }

  /** Reports the collected faults. @throws FunctionError `ENVIRONMENT_INVALID` with all faults. */
  finish(): void {
    if (this.#faults.length === 0) return;
    throw new FunctionError('ENVIRONMENT_INVALID', `invalid environment: ${this.#faults.join('; ')}`);
  }

  #fault(name: string, value: string, expected: string): void {
    this.#faults.push(`${name} is ${quoteText(value)}: expected ${expected}`);
  }
}

function parseWholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

const KINDS: readonly EcrEventKind[] = ['push', 'replication', 'pull-through-cache'];

/** Reads `soci_event_kinds`, a comma-separated list. */
export function readEventKinds(variables: VariableReader): readonly EcrEventKind[] {
  const text = variables.optional('soci_event_kinds') ?? 'push';
  return variables.parsed('soci_event_kinds', text, KINDS, (list) =>
    list.split(',').map((entry) => {
      const kind = KINDS.find((each) => each === entry.trim());
      if (kind === undefined) throw new Error(`${quoteText(entry.trim())} is not one of ${KINDS.join(', ')}`);
      return kind;
    }),
  );
}

/** Reads `soci_member_accounts`, a comma-separated list. */
export function readMemberAccounts(variables: VariableReader): readonly string[] {
  return variables.parsed('soci_member_accounts', variables.optional('soci_member_accounts') ?? '', [], (list) =>
    list.split(',').map((entry) => {
      const account = entry.trim();
      if (!/^\d{12}$/.test(account)) throw new Error(`${quoteText(account)} is not an account id: use 12 digits`);
      return account;
    }),
  );
}

/** URL of a queue: an endpoint, the account and the name. Names of FIFO queues, whose messages need a group, end with `.fifo`. */
const QUEUE_URL = /^https?:\/\/[\w.:-]{1,200}\/\d{12}\/[\w-]{1,80}$/;

/** Reads `soci_queue_url`. */
export function readQueueUrl(variables: VariableReader): string | undefined {
  const url = variables.optional('soci_queue_url');
  return variables.parsed('soci_queue_url', url ?? '', undefined, (text) => {
    if (!QUEUE_URL.test(text)) throw new Error(`${quoteText(text)} is not the URL of a standard Amazon SQS queue`);
    return text;
  });
}

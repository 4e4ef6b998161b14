import { quoteText } from '@soci/oci';
import { usageError } from '../errors.ts';

/** An option without a value. */
export interface Flag {
  readonly kind: 'flag';
  /** Short form: one letter, without the dash. */
  readonly short: string | undefined;
  /** Description in `--help`: a phrase that starts with a verb and fits one line of 80 columns. */
  readonly help: string;
  /** Options that cannot be used together with this one. @default none */
  readonly conflicts?: readonly string[];
}

/** An option with a value. If it is repeated, the last value wins. */
export interface ValueOption<T> extends Omit<Flag, 'kind'> {
  readonly kind: 'value';
  /** Placeholder of the value in `--help`, such as `SIZE`. */
  readonly value: string;
  readonly parse: ValueParser<T>;
}

/** Parses a value. Throws a usage error for an invalid one. */
export interface ValueParser<T> {
  (text: string): T;
  /** Values that shells suggest. @default none */
  readonly suggestions?: readonly string[];
}

/** An option that can be repeated. Each occurrence can have several values. */
export interface ListOption<T> extends Omit<ValueOption<readonly T[]>, 'kind'> {
  readonly kind: 'list';
}

/** The options of a command, by long name. */
export type OptionTable = Readonly<Record<string, Flag | ValueOption<unknown> | ListOption<unknown>>>;

/** Parsed values of an {@link OptionTable}. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends ListOption<infer T>
    ? readonly T[]
    : Table[Name] extends ValueOption<infer T>
      ? T | undefined
      : boolean;
};

/** Declares an option without a value. */
export function flag(help: string, short?: string): Flag {
  return { kind: 'flag', help, short };
}

/** Declares an option with a value. */
export function valueOption<T>(value: string, parse: ValueParser<T>, help: string, short?: string): ValueOption<T> {
  return { kind: 'value', value, parse, help, short };
}

/** Declares an option that can be repeated. */
export function listOption<T>(
  value: string,
  parse: ValueParser<readonly T[]>,
  help: string,
  short?: string,
): ListOption<T> {
  return { kind: 'list', value, parse, help, short };
}

/** The option of commands that write. */
export const DRY_RUN_OPTION = flag('do everything except writing');

/** Declares that an option cannot be used together with others. */
export function excluding<Option extends Flag | ValueOption<unknown> | ListOption<unknown>>(
  option: Option,
  ...conflicts: readonly string[]
): Option {
  return { ...option, conflicts };
}

/** Returns the environment variable of an option: `SOCI_SPAN_SIZE` for `--span-size`. `--help` and `--version` have none. */
export function variableOf(name: string): string | undefined {
  return name === 'help' || name === 'version' ? undefined : `SOCI_${name.toUpperCase().replaceAll('-', '_')}`;
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Returns a copy of `options` without undefined values, so that the library's defaults apply. */
export function omitUndefined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Parses a value that is any non-empty string. */
export function parseText(value: string): string {
  return value;
}

/** Returns a parser for a value that is one of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): ValueParser<Words[number]> {
  return suggesting(words, (typed) => {
    if (words.includes(typed)) return typed;
    throw usageError(`${quoteText(typed)} is not one of: ${words.join(', ')}`);
  });
}

/** Adds suggestions to a parser. */
export function suggesting<T>(suggestions: readonly string[], parse: (text: string) => T): ValueParser<T> {
  return Object.assign((text: string) => parse(text), { suggestions });
}

/** Parses the value of a flag: in an environment variable, or as in `--debug=false`. */
export function parseFlag(text: string): boolean {
  const isOn = /^(?:1|true)$/i.test(text);
  if (isOn || /^(?:0|false)$/i.test(text)) return isOn;
  throw usageError(`${quoteText(text)} is not one of: true, false, 1, 0`);
}

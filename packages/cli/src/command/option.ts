import { usageError } from '../errors.ts';

/** An option that is there or not. */
export interface Flag {
  readonly kind: 'flag';
  /** One-letter form, without the dash. */
  readonly short: string | undefined;
  /** What the option does: a phrase for `--help`. */
  readonly help: string;
}

/** An option with a value; the last one given counts. */
export interface ValueOption<T> extends Omit<Flag, 'kind'> {
  readonly kind: 'value';
  /** Placeholder of the value in `--help`, such as `SIZE`. */
  readonly value: string;
  /** From the text of the command line to a value; throws a usage error for what it does not understand. */
  readonly parse: (text: string) => T;
}

/** An option that may be given many times. One text may hold several values. */
export interface ListOption<T> extends Omit<ValueOption<readonly T[]>, 'kind'> {
  readonly kind: 'list';
}

/** The options of a command, by long name. */
export type OptionTable = Readonly<Record<string, Flag | ValueOption<unknown> | ListOption<unknown>>>;

/** What the parser makes of an {@link OptionTable}. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends ListOption<infer T>
    ? readonly T[]
    : Table[Name] extends ValueOption<infer T>
      ? T | undefined
      : boolean;
};

/** Declares an option that is there or not. */
export function flag(help: string, short?: string): Flag {
  return { kind: 'flag', help, short };
}

/** Declares an option with a value. */
export function valueOption<T>(
  value: string,
  parse: (text: string) => T,
  help: string,
  short?: string,
): ValueOption<T> {
  return { kind: 'value', value, parse, help, short };
}

/** Declares an option that may be given many times. */
export function listOption<T>(
  value: string,
  parse: (text: string) => readonly T[],
  help: string,
  short?: string,
): ListOption<T> {
  return { kind: 'list', value, parse, help, short };
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Options of a library without those that are undefined: where nothing was given, its defaults count. */
export function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** For options whose value is taken as it stands, but not empty. */
export function text(value: string): string {
  return value;
}

/** For options whose value is one of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): (text: string) => Words[number] {
  return (typed) => {
    if (words.includes(typed)) return typed;
    throw usageError(`${JSON.stringify(typed)} is none of ${words.join(', ')}`);
  };
}

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { quoteText } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import { COMMON_OPTIONS, type Command, type CommandArguments, type CommandEntry } from './command.ts';
import { type OptionTable, type OptionValues, parseFlag, variableOf } from './option.ts';

/**
 * Parses the words after a command's name. Options and operands can be mixed; `--` ends the options. An option that is not
 * on the command line gets its value from its environment variable, unless the variable is empty. A list in a variable has
 * one value on each line. The command line takes precedence: a variable is ignored if a word conflicts with it.
 *
 * @throws CliError `USAGE_INVALID` for an unknown option (with a suggestion), a missing, unexpected or invalid value, or
 * options that cannot be combined.
 */
export function parseOptions<const Table extends OptionTable>(
  words: readonly string[],
  table: Table,
  env: Readonly<Record<string, string | undefined>> = {},
): CommandArguments<Table> {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  const values: Record<string, unknown> = {};
  for (const [name, { kind, short }] of Object.entries(table)) {
    options[name] = { type: kind === 'flag' ? 'boolean' : 'string', ...(short && { short }) };
    if (kind !== 'value') values[name] = kind === 'flag' ? false : [];
  }
  // Not `strict`: its errors have no suggestions.
  const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });
  const operands: string[] = [];
  /** Where the value of an option is from: the option, or its environment variable. */
  const written = new Map<string, string>();
  const set = (name: string, label: string, text: string) => {
    const option = table[name];
    if (option === undefined) return;
    const value = parseValue(label, text, option.kind === 'flag' ? parseFlag : option.parse);
    if (option.kind === 'list') (values[name] as unknown[]).push(...(value as unknown[]));
    else values[name] = value;
    written.set(name, label.startsWith('-') ? `--${name}` : label);
  };
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!option) throw unknownOption(rawName, table);
    const isMissing = value === undefined || value === '' || (!inlineValue && value.startsWith('-') && value !== '-');
    if (option.kind === 'flag') set(name, rawName, value ?? 'true');
    else if (isMissing) throw usageError(`${rawName} needs a value: ${option.value}`);
    else set(name, rawName, value);
  }
  const isExcluded = (name: string, other: string) => table[name]?.conflicts?.includes(other) === true;
  const onCommandLine = [...written.keys()].filter((name) => values[name] !== false);
  for (const [name, option] of Object.entries(table)) {
    const variable = variableOf(name);
    const text = variable === undefined ? undefined : env[variable];
    if (variable === undefined || text === undefined || text === '' || written.has(name)) continue;
    if (onCommandLine.some((other) => isExcluded(name, other) || isExcluded(other, name))) continue;
    for (const line of option.kind === 'list' ? text.split(/\r?\n/).filter((each) => each !== '') : [text]) {
      set(name, variable, line);
    }
  }
  const used = [...written].filter(([name]) => values[name] !== false);
  for (const [name, label] of used) {
    const other = used.find(([each]) => isExcluded(name, each));
    if (other) throw usageError(`cannot use ${label} with ${other[1]}`);
  }
  return { options: values as OptionValues<Table>, operands };
}

/**
 * Returns the value of a flag, without an error if the command line is invalid: the last one of the words, or that of the
 * environment variable.
 */
export function readFlag(
  name: string,
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean | undefined {
  const word = optionWords(words).findLast((each) => each === `--${name}` || each.startsWith(`--${name}=`));
  const text = word === undefined ? env[variableOf(name) ?? ''] : word.slice(`--${name}=`.length) || 'true';
  if (text === undefined || text === '') return undefined;
  return /^(?:1|true)$/i.test(text);
}

/** Returns the words before `--`, which can be options. */
export function optionWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return end === -1 ? words : words.slice(0, end);
}

/**
 * Returns the words of a command with `--` before the operand that ends the options, unless they end earlier. That operand and all
 * words after it are then operands, even if they start with a hyphen.
 */
export function endOptions({ operands, options }: Command, words: readonly string[]): readonly string[] {
  const last = operands.findIndex(({ endsOptions }) => endsOptions);
  if (last === -1) return words;
  const table = { ...COMMON_OPTIONS, ...options };
  let position = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    if (word === '--') return words;
    if (word.startsWith('-') && word !== '-') {
      if (expectsValue(word, table)) index++;
    } else if (position++ === last) return words.toSpliced(index, 0, '--');
  }
  return words;
}

function parseValue(name: string, written: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(written);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw usageError(`${name}: ${error.message}`, error.remedy);
  }
}

function unknownOption(rawName: string, table: OptionTable): CliError {
  const name = rawName.replace(/^-+/, '');
  const suggestion = rawName.startsWith('--') ? mostSimilarWord(name, Object.keys(table)) : undefined;
  return usageError(`unknown option ${rawName}`, suggestion && `Did you mean --${suggestion}?`);
}

/** A command line whose words are sorted: options before the command, the command, and all others. */
export interface SplitCommandLine {
  /** Options before the command, or between the words of its name, with their values. */
  readonly leading: readonly string[];
  /** The words of the command's name: at most two. Empty if there is no command. */
  readonly name: readonly string[];
  readonly rest: readonly string[];
}

/**
 * Splits a command line at the command. Options can be before it, as in `soci-index --debug inspect oci:app`.
 *
 * @param table - The options of all commands, which tell whether the next word is a value.
 */
export function splitCommandLine(
  commands: readonly CommandEntry[],
  words: readonly string[],
  table: OptionTable,
): SplitCommandLine {
  const leading: string[] = [];
  const name: string[] = [];
  let position = 0;
  for (; position < words.length && name.length < 2; position++) {
    const word = words[position] as string;
    // A name has a second word only in a group, such as `ztoc`.
    const isComplete = name[0] !== undefined && commandsOfGroup(commands, name[0]).length === 0;
    if (word === '--' || isComplete) break;
    if (word.startsWith('-') && word !== '-') {
      leading.push(word);
      const value = words[position + 1];
      if (expectsValue(word, table) && value !== undefined) {
        leading.push(value);
        position++;
      }
      continue;
    }
    name.push(word);
  }
  return { leading, name, rest: words.slice(position) };
}

/** Returns whether the word after an option is its value. */
export function expectsValue(word: string, table: OptionTable): boolean {
  if (word.startsWith('--')) {
    const name = word.slice(2);
    return Object.hasOwn(table, name) && table[name]?.kind !== 'flag';
  }
  // In `-qp`, the first letter whose option has a value ends the group.
  const letters = [...word.slice(1)];
  const options = Object.values(table);
  const first = letters.findIndex((letter) => options.some(({ short, kind }) => short === letter && kind !== 'flag'));
  return first !== -1 && first === letters.length - 1;
}

/**
 * Finds a command by the words of its name.
 *
 * @throws CliError `USAGE_INVALID`, with the most similar command or the commands of the group.
 */
export function findCommand(commands: readonly CommandEntry[], words: readonly string[]): CommandEntry {
  const name = words.join(' ');
  const entry = commands.find(({ names }) => names.includes(name));
  if (entry === undefined) throw unknownCommand(commands, words);
  return entry;
}

/** Returns the commands that share their first word, such as those of `ztoc`. */
export function commandsOfGroup(commands: readonly CommandEntry[], group: string): readonly CommandEntry[] {
  return commands.filter(({ names: [name] }) => name.startsWith(`${group} `));
}

function unknownCommand(commands: readonly CommandEntry[], [first = '', second = '']: readonly string[]): CliError {
  const group = commandsOfGroup(commands, first).map(({ names: [name] }) => name);
  const oneOfGroup = `Use one of: ${group.join(', ')}.`;
  if (group.length > 0 && second === '') {
    return usageError(`${first} needs a subcommand`, oneOfGroup);
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const known = commands.flatMap(({ names }) => names);
  const suggestion = mostSimilarWord(typed, known);
  const fallback = group.length > 0 ? oneOfGroup : `See ${PROGRAM} --help.`;
  const remedy = suggestion ? `Did you mean ${PROGRAM} ${suggestion}?` : fallback;
  return usageError(`unknown command ${quoteText(typed)}`, remedy);
}

/**
 * Returns the known word that is most similar to a mistyped one, or undefined if none is similar. Words are similar if one
 * is a prefix of the other, or if at most a third of the letters (but at least one) differ.
 */
export function mostSimilarWord(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const word of known) {
    const prefix = typed.length >= 3 && (word.startsWith(typed) || typed.startsWith(word));
    const distance = prefix ? 0.5 : editDistance(typed, word);
    const allowed = Math.max(1, Math.floor(Math.max(typed.length, word.length) / 3));
    if (distance <= allowed && distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** Counts the insertions, deletions, replacements and swaps of adjacent letters (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  // A cell outside the table costs infinity, so no swap uses it.
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= a.length; row++) {
    rows[row] = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = isSwap ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[row]?.push(Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
}

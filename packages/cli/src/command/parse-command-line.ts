import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CliError, usageError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import type { CommandArguments, CommandEntry } from './command.ts';
import type { OptionTable, OptionValues } from './option.ts';

/**
 * Parses the words after a command's name. Options and operands can be mixed; `--` ends the options.
 *
 * @throws CliError `USAGE_INVALID` for an unknown option (with a suggestion), a missing or unexpected value, or an invalid
 * value.
 */
export function parseOptions<const Table extends OptionTable>(
  words: readonly string[],
  table: Table,
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
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (!option) throw unknownOption(token.rawName, table);
    if (option.kind === 'flag') {
      if (token.value !== undefined) throw usageError(`${token.rawName} does not accept a value`);
      values[token.name] = true;
      continue;
    }
    const written = token.value;
    if (written === undefined || written === '' || (!token.inlineValue && written.startsWith('-') && written !== '-')) {
      throw usageError(`${token.rawName} needs a value: ${option.value}`);
    }
    const value = parseValue(token.rawName, written, option.parse);
    if (option.kind === 'list') (values[token.name] as unknown[]).push(...(value as unknown[]));
    else values[token.name] = value;
  }
  return { options: values as OptionValues<Table>, operands };
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

/**
 * Finds the command at the start of a command line, and returns it with the remaining words. A name has one or two words.
 *
 * @throws CliError `USAGE_INVALID`, with the most similar command or the commands of the group.
 */
export function findCommand(commands: readonly CommandEntry[], words: readonly string[]) {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const entry = commands.find(({ names }) => names.includes(name));
    if (entry) return { entry, rest: words.slice(length) };
  }
  throw unknownCommand(commands, words);
}

/** Returns the commands that share their first word, such as those of `ztoc`. */
export function commandsOfGroup(commands: readonly CommandEntry[], group: string): readonly CommandEntry[] {
  return commands.filter(({ names: [name] }) => name.startsWith(`${group} `));
}

function unknownCommand(commands: readonly CommandEntry[], [first = '', second = '']: readonly string[]): CliError {
  if (first.startsWith('-')) {
    return usageError(`option ${first} must follow a command`, `Write the command first; see ${PROGRAM} --help.`);
  }
  const group = commandsOfGroup(commands, first).map(({ names: [name] }) => name);
  const oneOfGroup = `Use one of: ${group.join(', ')}.`;
  if (group.length > 0 && (second === '' || second.startsWith('-'))) {
    return usageError(`${first} needs a subcommand`, oneOfGroup);
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const known = commands.flatMap(({ names }) => names);
  const suggestion = mostSimilarWord(typed, known);
  const fallback = group.length > 0 ? oneOfGroup : `See ${PROGRAM} --help.`;
  const remedy = suggestion ? `Did you mean ${PROGRAM} ${suggestion}?` : fallback;
  return usageError(`unknown command ${JSON.stringify(typed)}`, remedy);
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

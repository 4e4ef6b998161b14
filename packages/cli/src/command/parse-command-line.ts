import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CliError, usageError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import type { CommandArguments, CommandEntry } from './command.ts';
import type { OptionTable, OptionValues } from './option.ts';

/**
 * Reads the words after a command's name. Options and operands may be mixed; `--` ends the options.
 *
 * @throws CliError `USAGE_INVALID`: an unknown option (with the nearest known one), a missing or unwanted value, or a
 * value that its option does not understand.
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
  // Not `strict`: its errors name no alternatives, and end the program's own wording.
  const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (!option) throw unknownOption(token.rawName, table);
    if (option.kind === 'flag') {
      if (token.value !== undefined) throw usageError(`${token.rawName} takes no value`);
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
  const nearest = rawName.startsWith('--') ? nearestWord(name, Object.keys(table)) : undefined;
  return usageError(`unknown option ${rawName}`, nearest && `Did you mean --${nearest}?`);
}

/**
 * Finds the command that a command line begins with, and the rest of the line; names have one word or two.
 *
 * @throws CliError `USAGE_INVALID`, with the nearest command or those of the group.
 */
export function findCommand(commands: readonly CommandEntry[], words: readonly string[]) {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const entry = commands.find(({ names }) => names.includes(name));
    if (entry) return { entry, rest: words.slice(length) };
  }
  throw unknownCommand(commands, words);
}

/** The commands that share their first word, such as those of `ztoc`. */
export function commandsOfGroup(commands: readonly CommandEntry[], group: string): readonly CommandEntry[] {
  return commands.filter(({ names: [name] }) => name.startsWith(`${group} `));
}

function unknownCommand(commands: readonly CommandEntry[], [first = '', second = '']: readonly string[]): CliError {
  if (first.startsWith('-')) {
    return usageError(`${first} stands before any command`, `Name the command first; see ${PROGRAM} --help.`);
  }
  const group = commandsOfGroup(commands, first).map(({ names: [name] }) => name);
  const oneOfGroup = `One of: ${group.join(', ')}.`;
  if (group.length > 0 && (second === '' || second.startsWith('-'))) {
    return usageError(`${first} is not a command by itself`, oneOfGroup);
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const known = commands.flatMap(({ names }) => names);
  const nearest = nearestWord(typed, known);
  const otherwise = group.length > 0 ? oneOfGroup : `See ${PROGRAM} --help.`;
  const remedy = nearest ? `Did you mean ${PROGRAM} ${nearest}?` : otherwise;
  return usageError(`unknown command ${JSON.stringify(typed)}`, remedy);
}

/**
 * The known word that a mistyped one most likely stands for; nothing where none is near.
 * Near means: one starts with the other, or at most a third of its letters (and at least one) differ.
 */
export function nearestWord(typed: string, known: Iterable<string>): string | undefined {
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

/** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  // Outside the table, and before the first swap is possible, nothing is cheap.
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

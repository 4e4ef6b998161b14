import { parseArgs } from 'node:util';
import { CliError, usageError } from '../errors.ts';
import type { OptionTable, OptionValues } from './option.ts';
import { nearestWord } from './suggestion.ts';

/** Options and operands of one command line. */
export interface ParsedOptions<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  readonly operands: readonly string[];
}

/**
 * Reads the words after a command's name. Options and operands may be mixed; `--` ends the options.
 *
 * @throws CliError `USAGE_INVALID`: an unknown option (with the nearest known one), a missing or unwanted value, or a
 * value that its option does not understand.
 */
export function parseOptions<const Table extends OptionTable>(
  words: readonly string[],
  table: Table,
): ParsedOptions<Table> {
  const config: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    config[name] = {
      type: option.kind === 'flag' ? 'boolean' : 'string',
      ...(option.short ? { short: option.short } : {}),
    };
    if (option.kind !== 'value') values[name] = option.kind === 'flag' ? false : [];
  }
  // Not `strict`: its errors name no alternatives, and end the program's own wording.
  const { tokens } = parseArgs({
    args: [...words],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
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

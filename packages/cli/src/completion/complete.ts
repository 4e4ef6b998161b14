import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  COMMON_OPTIONS,
  type Command,
  type CommandEntry,
  loadAllOptions,
  PROGRAM_OPTIONS,
} from '../command/command.ts';
import type { OptionTable } from '../command/option.ts';
import { commandsOfGroup, expectsValue, splitCommandLine } from '../command/parse-command-line.ts';
import { IMAGE_TRANSPORTS } from '../transports/location.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';

/** A word that can follow, and what it means. If it ends in `/`, `:` or `=`, it is not complete. */
interface Suggestion {
  readonly word: string;
  /** @default none */
  readonly meaning?: string | undefined;
}

/** Maximum number of files that are suggested. */
const MAX_FILES = 1000;
/** Maximum size of the `index.json` of a layout whose tags are suggested, in bytes. */
const MAX_INDEX_SIZE = 4 << 20;

/** What a placeholder of an operand or of a value stands for. */
const PLACEHOLDERS: Readonly<Record<string, (typed: string) => Promise<Suggestion[]>>> = {
  DIR: (typed) => suggestPaths(typed, 'directories'),
  DST: (typed) => suggestImages(typed, 'destination'),
  FILE: (typed) => suggestPaths(typed, 'all'),
  LAYER: (typed) => suggestPaths(typed, 'all'),
  REPO: (typed) => suggestImages(typed, 'repository'),
  SHELL: async () => Object.keys(COMPLETION_SCRIPTS).map((word) => ({ word })),
  SRC: (typed) => suggestImages(typed, 'source'),
  ZTOC: (typed) => suggestPaths(typed, 'all'),
};

/**
 * Suggests words for the shell.
 *
 * @param words - The words after the program's name. The last one is the word to complete; it can be empty.
 * @returns A line for each word that starts with the last one: the word, then a tab and its meaning if it has one.
 */
export async function completeWords(commands: readonly CommandEntry[], words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const suggestions = await suggest(commands, words.slice(0, -1), typed);
  return suggestions
    .filter(({ word }) => word.startsWith(typed) && !hasControlCharacter(word))
    .map(({ word, meaning }) => (meaning === undefined ? word : `${word}\t${meaning}`));
}

async function suggest(
  commands: readonly CommandEntry[],
  before: readonly string[],
  typed: string,
): Promise<Suggestion[]> {
  const everyOption = await loadAllOptions(commands);
  const { name, leading, rest } = splitCommandLine(commands, before, everyOption);
  const command = await commands.find(({ names }) => names.includes(name.join(' ')))?.load();
  const options: OptionTable = command ? { ...COMMON_OPTIONS, ...command.options } : PROGRAM_OPTIONS;
  const table = command ? options : everyOption;
  const { operands, option, areOptionsOver } = readWords([...leading, ...rest], table);
  if (option !== undefined) return suggestValues(option, table, typed);
  if (typed.startsWith('-') && !areOptionsOver) {
    const [, long, value] = /^--([^=]+)=(.*)$/.exec(typed) ?? [];
    if (long === undefined || value === undefined) return suggestOptions(options, [...leading, ...rest]);
    const values = await suggestValues(`--${long}`, table, value);
    return values.map(({ word, meaning }) => ({ word: `--${long}=${word}`, meaning }));
  }
  if (command) return suggestOperand(command, operands, typed);
  return suggestCommands(commands, name[0] === 'help' ? rest : name);
}

/** Counts the operands, and finds the option whose value is the next word. */
function readWords(words: readonly string[], table: OptionTable) {
  let operands = 0;
  for (let position = 0; position < words.length; position++) {
    const word = words[position] as string;
    if (word === '--') {
      return { operands: operands + words.length - position - 1, option: undefined, areOptionsOver: true };
    }
    if (!word.startsWith('-') || word === '-') operands++;
    else if (expectsValue(word, table)) {
      position++;
      if (position === words.length) return { operands, option: word, areOptionsOver: false };
    }
  }
  return { operands, option: undefined, areOptionsOver: false };
}

function suggestCommands(commands: readonly CommandEntry[], [group]: readonly string[]): Suggestion[] {
  if (group !== undefined) {
    return commandsOfGroup(commands, group).map(({ names, summary }) => ({
      word: names[0].slice(group.length + 1),
      meaning: summary,
    }));
  }
  const words = new Map<string, string>();
  for (const { names, summary } of commands) {
    const [first = '', second] = names[0].split(' ');
    words.set(first, second === undefined ? summary : `commands for ${first} files`);
  }
  return [...words].map(([word, meaning]) => ({ word, meaning }));
}

/** Suggests the options that are not on the command line yet, or can be repeated. */
function suggestOptions(options: OptionTable, words: readonly string[]): Suggestion[] {
  return Object.entries(options)
    .filter(([name, { kind, short }]) => {
      const isGiven = words.some((word) => word.split('=')[0] === `--${name}` || (short && word === `-${short}`));
      return kind === 'list' || !isGiven;
    })
    .flatMap(([name, { help, short }]) => [
      { word: `--${name}`, meaning: help },
      ...(short === undefined ? [] : [{ word: `-${short}`, meaning: help }]),
    ]);
}

async function suggestValues(written: string, table: OptionTable, typed: string): Promise<Suggestion[]> {
  const option = Object.entries(table).find(
    ([name, { short }]) => written === `--${name}` || (!written.startsWith('--') && written.at(-1) === short),
  )?.[1];
  if (option === undefined) return [];
  if (option.kind === 'flag') return [{ word: 'true' }, { word: 'false' }];
  if (option.parse.suggestions !== undefined) return option.parse.suggestions.map((word) => ({ word }));
  return (await PLACEHOLDERS[option.value]?.(typed)) ?? [];
}

async function suggestOperand({ operands }: Command, count: number, typed: string): Promise<Suggestion[]> {
  const last = operands.at(-1);
  const operand = operands[count] ?? (last?.repeated ? last : undefined);
  return (await PLACEHOLDERS[operand?.name ?? '']?.(typed)) ?? [];
}

/** Suggests transports, then the paths of layouts and archives, then the tags of a layout directory. */
async function suggestImages(typed: string, role: 'source' | 'destination' | 'repository'): Promise<Suggestion[]> {
  const transports = IMAGE_TRANSPORTS.filter(
    ({ isDestination, paths }) => role === 'source' || (isDestination && (role === 'destination' || paths !== 'file')),
  );
  const transport = transports.find(({ prefix }) => prefix !== 'docker://' && typed.startsWith(prefix));
  if (transport === undefined) return transports.map(({ prefix, meaning }) => ({ word: prefix, meaning }));
  const { prefix, paths } = transport;
  const path = typed.slice(prefix.length);
  const colon = path.indexOf(':');
  const found =
    colon === -1
      ? await suggestPaths(path, paths === 'directory' ? 'directories' : 'all')
      : role === 'repository'
        ? []
        : await suggestTags(path.slice(0, colon));
  return found.map(({ word, meaning }) => ({ word: `${prefix}${word}`, meaning }));
}

async function suggestTags(directory: string): Promise<Suggestion[]> {
  try {
    const file = join(directory, 'index.json');
    if ((await stat(file)).size > MAX_INDEX_SIZE) return [];
    const { manifests } = JSON.parse(await readFile(file, 'utf8')) as { manifests: Tagged[] };
    const tags = manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
    return tags.flatMap((tag) => (typeof tag === 'string' ? [{ word: `${directory}:${tag}` }] : []));
  } catch {
    // Not a layout. A shell must not show an error while the user types.
    return [];
  }
}

interface Tagged {
  readonly annotations?: Readonly<Record<string, unknown>>;
}

/** Suggests files and directories. Hidden ones only if the typed name starts with a dot, as shells do. */
async function suggestPaths(typed: string, kind: 'all' | 'directories'): Promise<Suggestion[]> {
  const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
  const isHome = folder.startsWith('~/');
  const path = isHome ? join(homedir(), folder.slice(1)) : folder === '' ? '.' : folder;
  const start = typed.slice(folder.length);
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const matching = entries
      .filter(({ name }) => name.startsWith(start) && (start.startsWith('.') || !name.startsWith('.')))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .slice(0, MAX_FILES);
    const words = await Promise.all(
      matching.map(async (entry) => {
        const isDirectory = entry.isSymbolicLink()
          ? await stat(join(path, entry.name)).then(
              (stats) => stats.isDirectory(),
              () => false,
            )
          : entry.isDirectory();
        return { word: `${folder}${entry.name}${isDirectory ? '/' : ''}`, isDirectory };
      }),
    );
    return words.filter(({ isDirectory }) => isDirectory || kind === 'all');
  } catch {
    return [];
  }
}

function hasControlCharacter(word: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
  return /[\u0000-\u001f\u007f]/.test(word);
}

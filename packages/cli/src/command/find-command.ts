import { type CliError, usageError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import type { CommandEntry } from './command.ts';
import { nearestWord } from './suggestion.ts';

/** A command and what stands behind its name. */
export interface FoundCommand {
  readonly entry: CommandEntry;
  readonly rest: readonly string[];
}

/**
 * Finds the command that a command line begins with; names have one word or two.
 *
 * @throws CliError `USAGE_INVALID`, with the nearest command or those of the group.
 */
export function findCommand(commands: readonly CommandEntry[], words: readonly string[]): FoundCommand {
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
  const nearest = nearestWord(
    typed,
    commands.flatMap(({ names }) => names),
  );
  const otherwise = group.length > 0 ? oneOfGroup : `See ${PROGRAM} --help.`;
  return usageError(
    `unknown command ${JSON.stringify(typed)}`,
    nearest ? `Did you mean ${PROGRAM} ${nearest}?` : otherwise,
  );
}

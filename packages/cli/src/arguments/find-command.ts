import type { Command } from '../command.ts';
import { type CliError, usageError } from '../errors.ts';
import { PROGRAM } from '../program.ts';
import { nearestWord } from './suggestion.ts';

/** A command and what stands behind its name. */
export interface FoundCommand {
  readonly command: Command;
  readonly rest: readonly string[];
}

/**
 * Finds the command that a command line begins with; names have one word or two.
 *
 * @throws CliError `USAGE_INVALID`, with the nearest command or those of the group.
 */
export function findCommand(commands: readonly Command[], words: readonly string[]): FoundCommand {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = commands.find((each) => each.name === name || each.aliases?.includes(name));
    if (command) return { command, rest: words.slice(length) };
  }
  throw unknownCommand(commands, words);
}

/** The commands that share their first word, such as those of `ztoc`. */
export function commandsOfGroup(commands: readonly Command[], group: string): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `));
}

function unknownCommand(commands: readonly Command[], [first = '', second = '']: readonly string[]): CliError {
  if (first.startsWith('-')) {
    return usageError(`${first} stands before any command`, `Name the command first; see ${PROGRAM} --help.`);
  }
  const group = commandsOfGroup(commands, first).map(({ name }) => name);
  const oneOfGroup = `One of: ${group.join(', ')}.`;
  if (group.length > 0 && (second === '' || second.startsWith('-'))) {
    return usageError(`${first} is not a command by itself`, oneOfGroup);
  }
  const typed = group.length > 0 ? `${first} ${second}` : first;
  const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const nearest = nearestWord(typed, names);
  const otherwise = group.length > 0 ? oneOfGroup : `See ${PROGRAM} --help.`;
  return usageError(
    `unknown command ${JSON.stringify(typed)}`,
    nearest ? `Did you mean ${PROGRAM} ${nearest}?` : otherwise,
  );
}

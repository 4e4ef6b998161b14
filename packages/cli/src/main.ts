import { EXIT, type ExitCode, loadAllOptions, PROGRAM_OPTIONS } from './command/command.ts';
import { commandHelp, programHelp } from './command/help.ts';
import { flag, parseText, valueOption } from './command/option.ts';
import {
  commandsOfGroup,
  endOptions,
  findCommand,
  parseOptions,
  type SplitCommandLine,
  splitCommandLine,
} from './command/parse-command-line.ts';
import { isHelp, reportFailure, runCommand } from './command/run-command.ts';
import { COMMANDS } from './command-table.ts';
import { COMPLETE } from './completion/completion-scripts.ts';
import { usageError } from './errors.ts';
import { ClaimableIo, type CliIo, PROGRAM, withProcessIo, writeTo } from './io.ts';
import { programVersion } from './program-version.ts';

/**
 * Runs one command line.
 *
 * @param argv - The words after the program's name.
 * @param io - Streams, environment and signal. @default those of the process
 * @returns The exit code. Errors are printed to standard error and, with `--json`, to standard output.
 */
export async function main(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  return io ? run(argv, new ClaimableIo(io)) : withProcessIo((processIo) => run(argv, processIo));
}

async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  let words = argv;
  try {
    if (argv[0] === COMPLETE) return await complete(argv.slice(1), io);
    const { leading, name, rest } = await split(argv);
    if (leading.some(isVersion) || name[0] === 'version') {
      await writeTo(io.stdout, `${PROGRAM} ${programVersion()}\n`);
      return EXIT.SUCCESS;
    }
    if (name[0] === 'help') return await help(rest, io);
    const isGroup = name.length === 1 && commandsOfGroup(COMMANDS, name[0] ?? '').length > 0;
    if (leading.some(isHelp) && (name.length === 0 || isGroup)) return await help(name, io);
    if (name.length === 0) {
      if (leading.length === 0 && rest.length === 0) return await help([], io);
      throw usageError('missing COMMAND', `See ${PROGRAM} --help.`);
    }
    const command = await findCommand(COMMANDS, name).load();
    words = endOptions(command, [...leading, ...rest]);
    return await runCommand(command, words, io);
  } catch (error) {
    return reportFailure(error, words, io);
  }
}

/**
 * Splits the command line. Options before the command need the options of all commands, because the next word can be a
 * value. They are loaded only if there is such an option, and not for `--version` and `--help`, which start fast.
 *
 * @throws CliError `USAGE_INVALID` for an option before the command that no command has.
 */
async function split(argv: readonly string[]): Promise<SplitCommandLine> {
  const quick = splitCommandLine(COMMANDS, argv, PROGRAM_OPTIONS);
  if (quick.leading.every((word) => isVersion(word) || isHelp(word))) return quick;
  const table = await loadAllOptions(COMMANDS);
  const exact = splitCommandLine(COMMANDS, argv, table);
  // The command parses the values: the values of `--platform` depend on the command.
  const unparsed = Object.entries(table).map(([name, { kind, short }]) => [
    name,
    kind === 'flag' ? flag('', short) : valueOption('VALUE', parseText, '', short),
  ]);
  if (!exact.leading.some(isHelp)) parseOptions(exact.leading, Object.fromEntries(unparsed));
  return exact;
}

async function complete(words: readonly string[], io: CliIo): Promise<ExitCode> {
  const { completeWords } = await import('./completion/complete.ts');
  const lines = await completeWords(COMMANDS, words);
  await writeTo(io.stdout, lines.map((line) => `${line}\n`).join(''));
  return EXIT.SUCCESS;
}

function isVersion(word: string): boolean {
  return word === '--version' || word === '-V';
}

/** Prints help for the command or group that the words name, or for the program if they name none. */
async function help(words: readonly string[], io: CliIo): Promise<ExitCode> {
  const [first = '-'] = words;
  const group = words.length === 1 ? commandsOfGroup(COMMANDS, first) : [];
  const text =
    first.startsWith('-') || group.length > 0
      ? programHelp(group.length > 0 ? group : COMMANDS, io)
      : commandHelp(await findCommand(COMMANDS, words).load(), io);
  await writeTo(io.stdout, text);
  return EXIT.SUCCESS;
}

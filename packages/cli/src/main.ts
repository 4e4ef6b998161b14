import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode } from './command/command.ts';
import { commandHelp, programHelp } from './command/help.ts';
import { commandsOfGroup, findCommand } from './command/parse-command-line.ts';
import { isHelp, reportFailure, runCommand } from './command/run-command.ts';
import { COMMANDS } from './command-table.ts';
import { type CliIo, PROGRAM, withProcessIo, writeTo } from './io.ts';

/**
 * Runs one command line.
 *
 * @param argv - The words after the program's name.
 * @param io - Streams, environment and signal. @default those of the process
 * @returns The exit code. Errors are printed to standard error and, with `--json`, to standard output.
 */
export async function main(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  return io ? run(argv, io) : withProcessIo((processIo) => run(argv, processIo));
}

async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    const [first, second] = argv;
    if (first === undefined || isHelp(first) || first === 'help') return await help(argv.slice(1), io);
    if (second !== undefined && isHelp(second)) return await help([first], io);
    if (first === '--version' || first === 'version') {
      await writeTo(io.stdout, `${PROGRAM} ${programVersion()}\n`);
      return EXIT.SUCCESS;
    }
    const { entry, rest } = findCommand(COMMANDS, argv);
    return await runCommand(await entry.load(), rest, io);
  } catch (error) {
    return reportFailure(error, argv, io);
  }
}

/** Version of the package. Only defined in the bundle: see `bundle/write-bundle.mjs`. */
declare const BUNDLED_VERSION: string | undefined;

/** Returns the version of the package. */
export function programVersion(): string {
  if (typeof BUNDLED_VERSION === 'string') return BUNDLED_VERSION;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}

/** Prints help for the command or group that the words name, or for the program if they name none. */
async function help(words: readonly string[], io: CliIo): Promise<ExitCode> {
  const [first = '-'] = words;
  const group = words.length === 1 ? commandsOfGroup(COMMANDS, first) : [];
  const text =
    first.startsWith('-') || group.length > 0
      ? programHelp(group.length > 0 ? group : COMMANDS, io)
      : commandHelp(await findCommand(COMMANDS, words).entry.load(), io);
  await writeTo(io.stdout, text);
  return EXIT.SUCCESS;
}

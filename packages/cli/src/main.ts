import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode } from './command/command.ts';
import { commandHelp, programHelp } from './command/help.ts';
import { commandsOfGroup, findCommand } from './command/parse-command-line.ts';
import { isHelp, runCommand, tellFailure } from './command/run-command.ts';
import { COMMANDS } from './command-table.ts';
import { type CliIo, PROGRAM, withProcessIo, writeTo } from './io.ts';

/**
 * Runs one command line.
 *
 * @param argv the words after the program's name
 * @param io where to write and when to stop; the process's own by default
 * @returns the exit code; every failure has been told on standard error, and with `--json` on standard output
 */
export async function main(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  return io ? run(argv, io) : withProcessIo((own) => run(argv, own));
}

async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    const [first, second] = argv;
    if (first === undefined || isHelp(first) || first === 'help') return await help(argv.slice(1), io);
    if (second !== undefined && isHelp(second)) return await help([first], io);
    if (first === '--version' || first === 'version') {
      await writeTo(io.stdout, `${PROGRAM} ${programVersion()}\n`);
      return EXIT.DONE;
    }
    const { entry, rest } = findCommand(COMMANDS, argv);
    return await runCommand(await entry.load(), rest, io);
  } catch (error) {
    return tellFailure(error, argv, io);
  }
}

/** In the bundle, the version of the package: see `bundle/write-bundle.mjs`. */
declare const BUNDLED_VERSION: string | undefined;

/** The version that the package was published as. */
export function programVersion(): string {
  if (typeof BUNDLED_VERSION === 'string') return BUNDLED_VERSION;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}

/** Help on the command, or the group of commands, that the words name; on the program where they name none. */
async function help(words: readonly string[], io: CliIo): Promise<ExitCode> {
  const [first = '-'] = words;
  const group = words.length === 1 ? commandsOfGroup(COMMANDS, first) : [];
  const text =
    first.startsWith('-') || group.length > 0
      ? programHelp(group.length > 0 ? group : COMMANDS, io)
      : commandHelp(await findCommand(COMMANDS, words).entry.load(), io);
  await writeTo(io.stdout, text);
  return EXIT.DONE;
}

import { commandsOfGroup, findCommand } from './arguments/find-command.ts';
import { commandHelp, programHelp, usageLine } from './arguments/help.ts';
import { parseOptions } from './arguments/parse-options.ts';
import { COMMON_OPTIONS, type Command } from './command.ts';
import { COMMANDS } from './command-table.ts';
import { describeError, renderError } from './describe-error.ts';
import { usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { type CliIo, widthOf, writeTo } from './io.ts';
import { processIo } from './process-io.ts';
import { PROGRAM, programVersion } from './program.ts';
import { Output } from './terminal/output.ts';
import { styleFor } from './terminal/style.ts';

/**
 * Runs one command line.
 *
 * @param argv the words after the program's name
 * @param io where to write and when to stop; the process's own by default
 * @returns the exit code; every failure has been told on standard error, and with `--json` on standard output
 */
export async function main(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  if (io) return run(argv, io);
  const own = processIo();
  try {
    return await run(argv, own);
  } finally {
    own.dispose();
  }
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

async function runCommand(command: Command, words: readonly string[], io: CliIo): Promise<ExitCode> {
  // Asked for help, the program gives help, whatever else the line holds.
  if (optionWords(words).some(isHelp)) return help(command.name.split(' '), io);
  const { options, operands } = parseOptions(words, { ...COMMON_OPTIONS, ...command.options });
  const missing = command.operands[operands.length];
  if (missing && !missing.optional) throw usageError(`${missing.name} is missing`, `Usage: ${usageLine(command)}`);
  const surplus = operands[command.operands.length];
  if (surplus !== undefined && !command.operands.at(-1)?.repeated) {
    throw usageError(`${JSON.stringify(surplus)} is one too many`, `Usage: ${usageLine(command)}`);
  }
  const output = new Output(io, { json: options.json, quiet: options.quiet, debug: wantsDebug(words, io) });
  return command.run({ options, operands }, { output, env: io.env, stdin: io.stdin, signal: io.signal });
}

/** Help on the command, or the group of commands, that the words name; on the program where they name none. */
async function help(words: readonly string[], io: CliIo): Promise<ExitCode> {
  const style = styleFor(io.stdout, io.env);
  const columns = widthOf(io.stdout, 100);
  const [first = '-'] = words;
  const group = words.length === 1 ? commandsOfGroup(COMMANDS, first) : [];
  const listed = group.length > 0 ? group : COMMANDS;
  const text =
    first.startsWith('-') || group.length > 0
      ? programHelp(await Promise.all(listed.map((entry) => entry.load())), style, columns)
      : commandHelp(await findCommand(COMMANDS, words).entry.load(), style, columns);
  await writeTo(io.stdout, text);
  return EXIT.DONE;
}

async function tellFailure(error: unknown, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const code = exitCodeOf(error, io.signal);
  const reason: unknown = code === EXIT.INTERRUPTED ? io.signal.reason : error;
  const words = optionWords(argv);
  const lines = renderError(reason, PROGRAM, styleFor(io.stderr, io.env), wantsDebug(argv, io));
  await writeTo(io.stderr, lines.map((line) => `${line}\n`).join(''));
  if (words.includes('--json')) await writeTo(io.stdout, `${JSON.stringify({ error: describeError(reason) })}\n`);
  return code;
}

/** Codes, of the packages underneath too, that blame the command line and not what was found. */
const USAGE_CODES: ReadonlySet<unknown> = new Set([
  'OPTION_INVALID',
  'REFERENCE_INVALID',
  'TRANSPORT_UNSUPPORTED',
  'USAGE_INVALID',
]);

function exitCodeOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted) return EXIT.INTERRUPTED;
  const isUsage = error instanceof Error && 'code' in error && USAGE_CODES.has(error.code);
  return isUsage ? EXIT.USAGE : EXIT.FAILED;
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function wantsDebug(argv: readonly string[], { env }: CliIo): boolean {
  return optionWords(argv).includes('--debug') || Boolean(env.DEBUG);
}

/** The words among which options may stand: those before `--`. */
function optionWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return end === -1 ? words : words.slice(0, end);
}

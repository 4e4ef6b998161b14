import { escapeJson, quoteText } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import { type CliIo, PROGRAM, writeTo } from '../io.ts';
import { describeError, renderError } from '../terminal/describe-error.ts';
import { Output } from '../terminal/output.ts';
import { quoteWord, styleFor } from '../terminal/text.ts';
import { COMMON_OPTIONS, type Command, EXIT, type ExitCode } from './command.ts';
import { commandHelp, usageLine } from './help.ts';
import { optionWords, parseOptions, readFlag } from './parse-command-line.ts';

/**
 * Runs a command.
 *
 * @param words - The words after the command's name.
 * @param program - What users type before the command's name.
 * @throws CliError `USAGE_INVALID`, and the errors of the command. {@link reportFailure} prints them.
 */
export async function runCommand(
  command: Command,
  words: readonly string[],
  io: CliIo,
  program: string = PROGRAM,
): Promise<ExitCode> {
  // `--help` takes precedence over everything else, also over errors on the command line.
  if (optionWords(words).some(isHelp)) {
    await writeTo(io.stdout, commandHelp(command, io, program));
    return EXIT.SUCCESS;
  }
  const { options, operands } = parseOptions(words, { ...COMMON_OPTIONS, ...command.options }, io.env);
  const missing = command.operands[operands.length];
  const usage = `Usage: ${usageLine(command, program)}`;
  if (missing && !missing.optional) throw usageError(`missing ${missing.name}`, usage);
  const extra = operands[command.operands.length];
  if (extra !== undefined && !command.operands.at(-1)?.repeated) {
    throw usageError(`unexpected argument ${quoteText(extra)}`, usage);
  }
  const output = new Output(io, { json: options.json, quiet: options.quiet, debug: isDebug(words, io) });
  try {
    return await command.run(
      { options, operands },
      { output, env: io.env, stdin: io.stdin, signal: io.signal, claimStdout: () => io.claimStdout?.() ?? io.stdout },
    );
  } catch (error) {
    throw withRepeatedCommand(error, [program, ...command.name.split(' '), ...words]);
  }
}

/** Completes a remedy that changes an operand: adds the command line with the changed operand. */
function withRepeatedCommand(error: unknown, line: readonly string[]): unknown {
  if (!(error instanceof CliError) || error.replacement === undefined) return error;
  const { code, message, remedy, replacement } = error;
  const { operand, at, by, next = '' } = replacement;
  const position = at === 'first' ? line.indexOf(operand) : line.lastIndexOf(operand);
  const repeated = line.map((word, index) => quoteWord(index === position ? by : word)).join(' ');
  return new CliError(code, message, { remedy: `${remedy}${repeated}${next}`, cause: error.cause });
}

/** Prints an error to standard error and, with `--json`, to standard output. Returns the exit code. */
export async function reportFailure(
  error: unknown,
  argv: readonly string[],
  io: CliIo,
  program: string = PROGRAM,
): Promise<ExitCode> {
  const code = exitCodeOf(error, io.signal);
  const reason: unknown = code === EXIT.INTERRUPTED ? io.signal.reason : error;
  const advice = await adviceFor(reason, io);
  const debug = isDebug(argv, io);
  const lines = renderError(reason, { program, style: styleFor(io.stderr, io.env), debug, advice });
  await writeTo(io.stderr, lines.map((line) => `${line}\n`).join(''));
  if (readFlag('json', argv, io.env)) {
    const json = escapeJson(JSON.stringify({ error: describeError(reason, advice) }));
    // If standard output is the problem, standard error says so.
    await writeTo(io.stdout, `${json}\n`).catch(() => {});
  }
  return code;
}

/** Returns the commands that log in, if a registry rejected the credentials. Loads what only this error needs. */
async function adviceFor(error: unknown, { env }: CliIo): Promise<string | undefined> {
  const { code, host } = (error ?? {}) as { readonly code?: unknown; readonly host?: unknown };
  if (code !== 'AUTHENTICATION_FAILED' || typeof host !== 'string') return undefined;
  const { loginAdvice } = await import('../terminal/login-advice.ts');
  return loginAdvice(host, env);
}

/** Codes for an invalid command line, including codes of other packages. */
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

/** Reports whether a word is `--help` or `-h`. */
export function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function isDebug(argv: readonly string[], { env }: CliIo): boolean {
  return readFlag('debug', argv, env) ?? Boolean(env.DEBUG);
}

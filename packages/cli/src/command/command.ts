import type { CliIo, TextSink } from '../io.ts';
import type { Output } from '../terminal/output.ts';
import { flag, type OptionTable, type OptionValues } from './option.ts';

/** A positional argument of a command. */
export interface Operand {
  /** Placeholder in `--help`, such as `SRC`. */
  readonly name: string;
  /** Description in `--help`: a phrase. */
  readonly help: string;
  /** @default false */
  readonly optional?: boolean;
  /** Whether it can be given more than once. Only for the last operand. @default false */
  readonly repeated?: boolean;
  /** Whether options end before it, because it starts another command line, as in `docker run IMAGE COMMAND`. @default false */
  readonly endsOptions?: boolean;
}

/** An example in `--help`. */
export interface Example {
  /** What the example does: a phrase that starts with a verb. */
  readonly purpose: string;
  /** The command line, without the program's name. */
  readonly line: string;
}

/** What a running command can use. */
export interface CommandContext {
  readonly output: Output;
  /** Environment variables. Command-line options take precedence. */
  readonly env: CliIo['env'];
  /** Standard input. */
  readonly stdin: CliIo['stdin'];
  /** Returns standard output for a file. From then on, results and notes go to standard error. */
  claimStdout(): TextSink;
  /** Aborts when the user interrupts the program. The command then cleans up and throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** Definition of a command without its name, which is in the command table. */
export interface CommandDefinition<Table extends OptionTable> {
  /** Paragraphs for `--help`. */
  readonly details?: readonly string[];
  readonly operands: readonly Operand[];
  readonly options: Table;
  readonly examples: readonly Example[];
  run(args: CommandArguments<Table>, context: CommandContext): Promise<ExitCode>;
}

/** Parsed arguments of a command. The number of operands matches the command's definition. */
export interface CommandArguments<Table extends OptionTable> {
  readonly operands: readonly string[];
  readonly options: OptionValues<Table>;
}

/** A command definition with any options. */
export type CommandBody = CommandDefinition<OptionTable>;

/** A command that can be run. */
export interface Command extends CommandBody {
  /** One or two words, such as `ztoc create`. Empty for a program with a single command. */
  readonly name: string;
  /** What the command does, in one line. */
  readonly summary: string;
}

/** An entry of the command table. The command is loaded only when it is used, which keeps the program's start fast. */
export interface CommandEntry {
  /** The name, then aliases from AWS's `soci`; one or two words each. */
  readonly names: readonly [name: string, ...aliases: string[]];
  /** What the command does, in one line. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** Options of every command. */
export const COMMON_OPTIONS = {
  json: flag('print only the result, as JSON, to standard output'),
  quiet: flag('print only the result, in its shortest form', 'q'),
  debug: flag('print registry requests and stack traces to standard error'),
  help: flag('print this help', 'h'),
} as const;

/** Options of the program. They are used before a command, or without one. */
export const PROGRAM_OPTIONS = { ...COMMON_OPTIONS, version: flag('print the version', 'V') } as const;

/** Returns the options of the program and of all commands. Whether an option of one name has a value is the same in all commands. */
export async function loadAllOptions(commands: readonly CommandEntry[]): Promise<OptionTable> {
  const loaded = await Promise.all(commands.map(({ load }) => load()));
  return Object.assign({}, ...loaded.map(({ options }) => options), PROGRAM_OPTIONS) as OptionTable;
}

/** Defines a command whose options are typed by their declarations. */
export function defineCommand<const Table extends OptionTable>(definition: CommandDefinition<Table>): CommandBody {
  return definition as unknown as CommandBody;
}

/**
 * Exit codes of the program. docs/cli.md documents them; they are stable.
 *
 * - `SUCCESS` (0): the command did its work.
 * - `FAILED` (1): the command failed; the error message says why.
 * - `USAGE` (2): the command line is invalid; the command did nothing.
 * - `NOTHING_TO_INDEX` (3): no layer of the image can be indexed. This is a result, not a failure.
 * - `CAUSE_FOUND` (4): `doctor` found why an image does not load lazily.
 * - `INTERRUPTED` (130): the user stopped the program, and it cleaned up.
 */
export const EXIT = {
  SUCCESS: 0,
  FAILED: 1,
  USAGE: 2,
  NOTHING_TO_INDEX: 3,
  CAUSE_FOUND: 4,
  INTERRUPTED: 130,
} as const;

/** One of the program's exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

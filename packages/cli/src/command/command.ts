import type { CliIo } from '../io.ts';
import type { Output } from '../terminal/output.ts';
import { flag, type OptionTable, type OptionValues } from './option.ts';

/** A word that a command takes beside its options. */
export interface Operand {
  /** As `--help` writes it, such as `SRC`. */
  readonly name: string;
  readonly help: string;
  /** @default false */
  readonly optional?: boolean;
  /** Whether it may be given many times; the last operand only. @default false */
  readonly repeated?: boolean;
}

/** What `--help` shows as an example. */
export interface Example {
  /** What one would want. */
  readonly purpose: string;
  /** The command line, without the program's name. */
  readonly line: string;
}

/** What a command works with. */
export interface CommandContext {
  readonly output: Output;
  /** The environment. Read only where nothing on the command line says the same. */
  readonly env: CliIo['env'];
  /** Standard input, for those who ask for it: reading it ends with the input. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Fires when the person wants the program to stop: the command cleans up and throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** What a command's file declares: all but its name, which the table of commands gives it. */
export interface CommandDefinition<Table extends OptionTable> {
  /** What else is worth knowing: paragraphs. */
  readonly details?: readonly string[];
  readonly operands: readonly Operand[];
  readonly options: Table;
  readonly examples: readonly Example[];
  run(args: CommandArguments<Table>, context: CommandContext): Promise<ExitCode>;
}

/** The command line as a command sees it: as many operands as it declares. */
export interface CommandArguments<Table extends OptionTable> {
  readonly operands: readonly string[];
  readonly options: OptionValues<Table>;
}

/** A command whose options are not known to the compiler. */
export type CommandBody = CommandDefinition<OptionTable>;

/** A command that can be run. */
export interface Command extends CommandBody {
  /** One or two words, such as `ztoc create`; empty of a program that has one command only. */
  readonly name: string;
  /** One line that says what it does. */
  readonly summary: string;
}

/** A command by its names. What it does is loaded when it is used: one command does not pay for the others. */
export interface CommandEntry {
  /** Its own name, then its aliases, those that the reference program has for the same; one or two words each. */
  readonly names: readonly [name: string, ...aliases: string[]];
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** Options that every command has. */
export const COMMON_OPTIONS = {
  json: flag('print the result as JSON, and nothing else, on standard output'),
  quiet: flag('print the result alone: no progress, no notes', 'q'),
  debug: flag('print where in the program an error comes from, and each request to a registry'),
  help: flag('print this help', 'h'),
} as const;

/** Declares a command; its options are typed by their declarations. */
export function defineCommand<const Table extends OptionTable>(definition: CommandDefinition<Table>): CommandBody {
  return definition as unknown as CommandBody;
}

/**
 * What the program's exit code says; documented in docs/cli.md and kept stable.
 *
 * - `DONE` (0): what was asked for was done.
 * - `FAILED` (1): it could not be done; the error says why.
 * - `USAGE` (2): the command line itself is wrong; nothing was tried.
 * - `NOTHING` (3): a result, not a failure: no layer of the image can be indexed, with the reason of each.
 * - `INTERRUPTED` (130): stopped by Ctrl-C or a signal, and cleaned up.
 */
export const EXIT = { DONE: 0, FAILED: 1, USAGE: 2, NOTHING: 3, INTERRUPTED: 130 } as const;

/** One of the program's exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

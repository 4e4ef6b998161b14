import { type CliIo, type ExitCode, runCommand, tellFailure, withProcessIo } from '@soci/cli/internal';
import { demo } from './demo.ts';

/** What people type before the words of the demonstration. */
const PROGRAM = 'npm start --';

/** Runs the demonstration with the words of a command line, as `main` of the command line does with its own. */
export async function runDemo(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
  return io ? run(argv, io) : withProcessIo((own) => run(argv, own));
}

async function run(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    return await runCommand(demo, argv, io, PROGRAM);
  } catch (error) {
    return tellFailure(error, argv, io, 'npm start');
  }
}

import { type CliIo, type ExitCode, processIo, runCommand, tellFailure } from '@soci/cli/command-line';
import { demo } from './demo.ts';

/** What people type before the words of the demonstration. */
const PROGRAM = 'npm start --';

/** Runs the demonstration with the words of a command line, as `main` of the command line does with its own. */
export async function runDemo(argv: readonly string[], io?: CliIo): Promise<ExitCode> {
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
    return await runCommand(demo, argv, io, PROGRAM);
  } catch (error) {
    return tellFailure(error, argv, io, 'npm start');
  }
}

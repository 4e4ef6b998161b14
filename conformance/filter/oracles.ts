import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { toolPath } from '../tools/tools.ts';

const BUFFER_SIZE = 256 * 1024 * 1024;

/**
 * Returns the table of random patterns and strings with the results of Python's fnmatch. Without arguments, returns the
 * committed table.
 */
export function writeFnmatchTable(...args: readonly string[]): string {
  return run(toolPath('python'), [join(import.meta.dirname, 'fnmatch_table.py'), ...args], '');
}

/** Reports for each pair of a pattern and an event whether EventBridge's matcher matches. */
export function askRuler(pairs: readonly { readonly pattern: object; readonly event: object }[]): boolean[] {
  const source = join(import.meta.dirname, 'ruler', 'Match.java');
  const lines = pairs.map(({ pattern, event }) => `${JSON.stringify(pattern)}\t${JSON.stringify(event)}\n`);
  const answers = run('java', ['-cp', toolPath('ruler'), source], lines.join(''))
    .trimEnd()
    .split('\n');
  if (answers.length !== pairs.length) throw new Error(`${answers.length} results for ${pairs.length} pairs`);
  return answers.map((answer) => answer === 'true');
}

function run(program = '', args: readonly string[], input: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    maxBuffer: BUFFER_SIZE,
  });
  if (status !== 0) throw new Error(`${program} exited with ${status}: ${stderr}`, { cause: error });
  return stdout;
}

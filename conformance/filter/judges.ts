import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Who says what is right, as scripts/test-filter.mjs has found them. */
interface Judges {
  /** Python's command. */
  readonly python?: string;
  /** The Java class path of EventBridge's matcher; `java`, of a JDK, is on PATH then. */
  readonly ruler?: string;
}

/** The variable by which scripts/test-filter.mjs says which judges there are, in JSON. */
const VARIABLE = 'FILTER_JUDGES';

const BUFFER_SIZE = 256 * 1024 * 1024;

/** Whether there is such a judge here. */
export function hasJudge(name: keyof Judges): boolean {
  return name in judges();
}

/** The table of random patterns and texts with the answers of Python's fnmatch; without arguments, the committed one. */
export function writeFnmatchTable(...args: readonly string[]): string {
  return run(judges().python, [join(import.meta.dirname, 'fnmatch_table.py'), ...args], '');
}

/** For each pair of a pattern and an event whether EventBridge's matcher lets the event in. */
export function askRuler(pairs: readonly { readonly pattern: object; readonly event: object }[]): boolean[] {
  const source = join(import.meta.dirname, 'ruler', 'Match.java');
  const lines = pairs.map(({ pattern, event }) => `${JSON.stringify(pattern)}\t${JSON.stringify(event)}\n`);
  const answers = run('java', ['-cp', judges().ruler ?? '', source], lines.join(''))
    .trimEnd()
    .split('\n');
  if (answers.length !== pairs.length) throw new Error(`${answers.length} answers to ${pairs.length} questions`);
  return answers.map((answer) => answer === 'true');
}

function judges(): Judges {
  const found = process.env[VARIABLE];
  if (found === undefined) throw new Error(`${VARIABLE} is not set: run these tests by \`pnpm test:filter\``);
  return JSON.parse(found) as Judges;
}

function run(program = '', args: readonly string[], input: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    maxBuffer: BUFFER_SIZE,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`, { cause: error });
  return stdout;
}

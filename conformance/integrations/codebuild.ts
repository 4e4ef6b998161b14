import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type ProgramRun, runProgram } from '../registries/run-program.ts';

/** What a build left behind. */
export interface BuildRun extends ProgramRun {
  /** The exported variables. */
  readonly exported: Readonly<Record<string, string>>;
  /** Paths of the artifacts. */
  readonly artifacts: readonly string[];
}

/** The parts of a build specification that {@link runBuild} knows. */
interface Buildspec {
  readonly version: number;
  readonly env: {
    readonly shell: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly 'exported-variables': readonly string[];
  };
  readonly phases: Readonly<Record<string, Phase>>;
  readonly artifacts: { readonly files: readonly string[] };
}

interface Phase {
  readonly 'runtime-versions'?: object;
  readonly commands?: readonly string[];
}

/** Order of the phases. A failed phase ends the build, except that `post_build` follows a failed `build`. */
const PHASES = ['install', 'pre_build', 'build', 'post_build'];

/**
 * Runs a build specification of version 0.2 as AWS CodeBuild documents it: all commands in one shell, in the order of the
 * phases, until one fails. Variables of the start of the build take precedence over those of the file. Does not
 * install runtimes.
 *
 * @param folder - Folder of the sources.
 */
export async function runBuild(path: string, folder: string, env: Readonly<Record<string, string>>): Promise<BuildRun> {
  const spec: Buildspec = parse(readFileSync(path, 'utf8'));
  if (spec.version !== 0.2) throw new Error(`version: ${spec.version}`);
  const unknown = Object.keys(spec.phases).filter((name) => !PHASES.includes(name));
  if (unknown.length > 0) throw new Error(`unknown phases: ${unknown.join(', ')}`);
  for (const [name, value] of Object.entries(spec.env.variables)) {
    if (typeof value !== 'string') throw new Error(`the variable ${name} is not text`);
  }
  const commands = PHASES.flatMap((name) => spec.phases[name]?.commands ?? []);
  const marker = '-- exported --';
  const exports = spec.env['exported-variables'].map((name) => `printf '%s=%s\\n' ${name} "$(printenv ${name})"`);
  const script = [...commands.map((_, i) => `eval "$COMMAND_${i}" || exit`), `echo '${marker}'`, ...exports].join('\n');
  const texts = Object.fromEntries(commands.map((command, i) => [`COMMAND_${i}`, command]));
  const run = await runProgram(spec.env.shell, ['-c', script], {
    env: { ...spec.env.variables, ...env, ...texts },
    cwd: folder,
  });
  const [, after = ''] = run.stdout.toString().split(`${marker}\n`);
  const lines = after.split('\n').filter((line) => line !== '');
  return {
    ...run,
    exported: Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)])),
    artifacts: spec.artifacts.files.map((file) => join(folder, file)),
  };
}

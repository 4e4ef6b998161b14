// GitHub workflows: what actionlint finds, and the rules that it has not.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, listFiles, ROOT } from '../workspace/packages.ts';

const ACTIONLINT = 'v1.7.12';

/** Checks the workflows with actionlint, which Go builds once into `.cache`, and with {@link workflowProblems}. */
export function workflows(): Finding[] {
  const files = listFiles('.github/workflows', ['.yml']);
  const rules = files.map((path) => ({
    subject: path,
    problems: workflowProblems(readFileSync(join(ROOT, path), 'utf8')),
  }));
  return [...rules, lint(files)];
}

function lint(files: readonly string[]): Finding {
  const subject = `actionlint ${ACTIONLINT}`;
  const folder = join(ROOT, '.cache', `actionlint-${ACTIONLINT}`);
  const program = join(folder, 'actionlint');
  if (!existsSync(program)) {
    const args = ['install', `github.com/rhysd/actionlint/cmd/actionlint@${ACTIONLINT}`];
    const env = { ...process.env, GOBIN: folder };
    const { status, error, stderr } = spawnSync('go', args, { env, encoding: 'utf8' });
    if (error !== undefined) return { subject, problems: [], skipped: 'needs Go 1.26 or newer: https://go.dev/dl' };
    if (status !== 0) return { subject, problems: [`go ${args.join(' ')} failed:\n${stderr.trim()}`] };
  }
  // Without the linters of shell and Python scripts, which only some machines have.
  const flags = ['-no-color', '-shellcheck=', '-pyflakes='];
  const { status, stdout, stderr } = spawnSync(program, [...flags, ...files], { cwd: ROOT, encoding: 'utf8' });
  return { subject, problems: status === 0 ? [] : [`${stdout}${stderr}`.trim()] };
}

/** Returns the lines of a workflow that break the rules of this repository. */
export function workflowProblems(text: string): string[] {
  const problems = text.split('\n').flatMap((line, i) => {
    const at = `line ${i + 1}`;
    const [, action] = /\buses: *(\S+)/.exec(line) ?? [];
    const isPinned = /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line);
    // In a script, the shell would run the value. As an environment variable or an input it is only text.
    const isInScript = line.includes('${{') && (/^\s*(?:- )?run:/.test(line) || !/^\s*(?:- )?[\w-]+: /.test(line));
    return [
      ...(action !== undefined && !isPinned ? [`${at}: pin ${action} by commit, with its tag as a comment`] : []),
      ...(isInScript ? [`${at}: pass the value to the script by an environment variable`] : []),
      ...(/^\s*pull_request_target:/.test(line)
        ? [`${at}: pull_request_target gives secrets to the code of a fork`]
        : []),
    ];
  });
  if (!/^permissions: \{\}$/m.test(text)) problems.push('set "permissions: {}", and the permissions of each job');
  if (!/^concurrency:$/m.test(text)) problems.push('set "concurrency"');
  for (const [job = '', name] of (text.split(/^jobs:$/m)[1] ?? '').matchAll(
    /^ {2}([\w-]+):\n(?:(?! {2}[\w-]).*\n?)*/gm,
  )) {
    for (const key of ['permissions', 'timeout-minutes']) {
      if (!new RegExp(`^ {4}${key}:`, 'm').test(job)) problems.push(`job ${name}: set "${key}"`);
    }
  }
  return problems;
}

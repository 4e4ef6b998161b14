import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasProgram } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/pack-image.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { type InteractiveShell, typeIntoShell } from '../fixtures/run-shell.ts';

const folder = temporaryFolder();
const work = join(folder, 'work');
const bin = join(folder, 'bin');
const recorded = join(folder, 'recorded');
const PROGRAM = fileURLToPath(new URL('../../bin/soci-index.js', import.meta.url));

beforeAll(async () => {
  mkdirSync(work);
  await packImage(join(work, 'app'), [{ file: Buffer.from('x') }]);
  mkdirSync(join(work, 'my images'));
  writeFileSync(join(work, 'layer.tar.gz'), '');
  writeFileSync(join(work, 'image.tar'), '');
  mkdirSync(bin);
  // Completes with the program, and records any other command line instead of running it.
  const stub = `#!/bin/sh
if [ "$1" = __complete ]; then exec '${process.execPath}' '${PROGRAM}' "$@"; fi
{ printf '%s|' "$@"; echo; } > '${recorded}.part' && mv '${recorded}.part' '${recorded}'
`;
  writeFileSync(join(bin, 'soci-index'), stub);
  chmodSync(join(bin, 'soci-index'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(folder, `completion.${shell}`), (await runCli(['completion', shell])).stdout);
});

/** Returns the words that the program suggests for the last word. */
async function suggest(...words: readonly string[]): Promise<string[]> {
  const initial = process.cwd();
  process.chdir(work);
  try {
    const { stdout } = await runCli(['__complete', ...words]);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
  } finally {
    process.chdir(initial);
  }
}

describe('the suggestions', () => {
  it.each([
    ['a command', ['con'], ['convert']],
    ['a command after options', ['--debug', 'ver'], ['verify']],
    ['a command of a group', ['ztoc', 'c'], ['create', 'cat']],
    ['a command of a group after help', ['help', 'ztoc', 'i'], ['info']],
    ['a repository, which is not an archive', ['profile', 'push', ''], ['docker://', 'oci:']],
    ['an option', ['convert', '--span'], ['--span-size']],
    ['an option of every command', ['convert', '--js'], ['--json']],
    ['an option before the command', ['--ver'], ['--version']],
    ['an option that can be repeated', ['convert', '-p', 'linux/amd64', '--plat'], ['--platform']],
    ['no option twice', ['convert', '--json', '--js'], []],
    ['no option after --', ['convert', '--', '--js'], []],
    ['a value', ['convert', '--compat', ''], ['soci-cli']],
    ['a value after =', ['convert', '--compat=s'], ['--compat=soci-cli']],
    ['a value of a short option', ['convert', '-p', 'linux/arm6'], ['linux/arm64']],
    ['a value of a flag', ['convert', '--debug=f'], ['--debug=false']],
    ['a transport', ['convert', 'oci'], ['oci:', 'oci-archive:']],
    ['a layout directory', ['convert', 'oci:a'], ['oci:app/']],
    ['a tag in a layout', ['inspect', 'oci:app:'], ['oci:app:latest']],
    ['a tar file', ['inspect', 'oci-archive:im'], ['oci-archive:image.tar']],
    ['a file', ['ztoc', 'info', 'la'], ['layer.tar.gz']],
    ['a file of an option', ['inspect', '--ca-file', 'la'], ['layer.tar.gz']],
    ['only directories for an option with a directory', ['ztoc', 'create', '-o', ''], ['app/', 'my images/']],
    ['the third operand of a command with two', ['convert', 'oci:a', 'oci:b', ''], []],
    ['a repeated operand', ['ztoc', 'create', 'a', 'b', 'im'], ['image.tar']],
    ['a shell', ['completion', 'z'], ['zsh']],
  ])('have %s', async (_, words, expected) => {
    expect(await suggest(...words)).toEqual(expected);
  });

  it('have the meaning of each command and option', async () => {
    const { stdout } = await runCli(['__complete', 'convert', '--retry']);
    expect(stdout).toBe('--retry-times\tretry a failed request N times (default 5)\n');
  });
});

const SHELLS: Readonly<Record<string, InteractiveShell>> = {
  bash: { start: 'bash --norc --noprofile -i', setup: `source ${folder}/completion.bash` },
  zsh: { start: 'zsh -f -i', setup: `autoload -U compinit; compinit -u -D; source ${folder}/completion.zsh` },
  fish: {
    start: `fish --no-config --init-command "function fish_prompt; echo -n 'READY> '; end"`,
    setup: `source ${folder}/completion.fish`,
  },
};

describe.each(Object.entries(SHELLS))('the script for %s', (name, shell) => {
  beforeEach(() => rmSync(recorded, { force: true }));

  const isInstalled = hasProgram('script') && hasProgram(name);

  it.runIf(isInstalled).each([
    ['commands', 'soci-index insp\tX', 'inspect|X|'],
    ['commands of groups', 'soci-index zt\tinf\tX', 'ztoc|info|X|'],
    ['commands after options', 'soci-index --debug insp\tX', '--debug|inspect|X|'],
    ['options', 'soci-index convert --span\tX', 'convert|--span-size|X|'],
    ['values', 'soci-index convert --compat s\tX', 'convert|--compat|soci-cli|X|'],
    ['values after =', 'soci-index convert --compat=s\tX', 'convert|--compat=soci-cli|X|'],
    [
      'transports and paths, without a space after them',
      'soci-index inspect oci-\tim\tX',
      'inspect|oci-archive:image.tar|X|',
    ],
    ['tags', 'soci-index inspect oci:app:la\tX', 'inspect|oci:app:latest|X|'],
    ['paths with spaces', 'soci-index ztoc create -o my\tX', 'ztoc|create|-o|my images/X|'],
  ])('completes %s', async (_, keys, expected) => {
    const env = {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: folder,
      TERM: 'dumb',
      LC_ALL: 'C.UTF-8',
      PS1: 'READY> ',
      HISTFILE: '',
    };
    const line = await typeIntoShell(shell, `${keys}\r`, { cwd: work, env, recorded });
    expect(line).toBe(`${expected}\n`);
  });
});

describe('completion', () => {
  it('rejects an unknown shell', async () => {
    const { code, stderr } = await runCli(['completion', 'tcsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('"tcsh" is not one of: bash, zsh, fish');
  });
});

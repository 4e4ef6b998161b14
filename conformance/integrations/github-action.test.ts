import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram, runWell } from '../registries/run-program.ts';
import { hasTools, toolPath } from '../tools/tools.ts';
import { type CiMachine, digestOfTag, ROOT, startCiMachine } from './ci-machine.ts';
import { type ActionRun, readAction, runAction } from './composite-action.ts';
import { exampleBelow } from './documents.ts';

const FOLDER = join(ROOT, 'apps', 'github-action');
const ACTION = readAction(join(FOLDER, 'action.yml'));

/** Options of `convert` that are no inputs, and why. */
const OPTIONS_WITHOUT_INPUT: Readonly<Record<string, string>> = {
  'all-platforms': 'the default, and excluded by the input platform',
  'dry-run': 'an action without an image has no outputs',
  'result-file': 'set by the action',
  'summary-file': 'set by the action',
  json: 'changes only what is printed',
  quiet: 'changes only what is printed',
  debug: 'changes only what is printed',
  help: 'prints only a text',
  username: 'a login action logs in',
  'password-stdin': 'a login action logs in',
  authfile: 'environment of the runner',
  'plain-http': 'environment of the runner',
  'ca-file': 'environment of the runner',
  'cert-file': 'environment of the runner',
  'key-file': 'environment of the runner',
  'retry-times': 'environment of the runner',
  'stall-timeout': 'environment of the runner',
};

const folder = temporaryFolder();
let machine: CiMachine;
let runs = 0;

beforeAll(async () => {
  machine = await startCiMachine(folder);
});
afterAll(() => machine.registry.stop());

function run(inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  runs += 1;
  return runAction(ACTION, inputs, join(folder, `run-${runs}`), { ...machine.env, RUNNER_TOOL_CACHE: '', ...env });
}

describe('the GitHub action', () => {
  test('indexes an image, sets its outputs and writes a summary', async () => {
    const { code, stderr, outputs, summary } = await run({ image: machine.image, 'min-layer-size': '0' });
    expect(code, stderr).toBe(0);
    const digest = await digestOfTag(machine, 'v1-soci');
    expect(digest).toMatch(/^sha256:/);
    expect(outputs).toEqual({ outcome: 'indexed', digest, tag: 'v1-soci', image: `${machine.image}-soci` });
    expect(summary).toContain(`| digest | ${digest} |`);
    expect(summary).toContain('| layers indexed | 3 of 3 |');

    const again = await run({ image: machine.image, 'min-layer-size': '0' });
    expect(again.outputs).toEqual({ ...outputs, outcome: 'current' });
  });

  test('succeeds without an image if there is nothing to index, or fails on request', async () => {
    const { code, stderr, outputs, summary } = await run({
      image: machine.image,
      destination: `${machine.image}-none`,
    });
    expect(code, stderr).toBe(0);
    expect(outputs).toEqual({ outcome: 'nothing-to-index', digest: '', tag: '', image: '' });
    expect(summary).toContain('| reason | no-layer-to-index |');
    const failing = await run({ image: machine.image, destination: `${machine.image}-none`, 'allow-nothing': 'false' });
    expect(failing.code).toBe(3);
    expect(await digestOfTag(machine, 'v1-none')).toBeUndefined();
  });

  test('passes lists and flags on', async () => {
    const inputs = { 'min-layer-size': '0', platform: 'linux/amd64', tag: 'stable\nlatest', verify: 'true' };
    const { code, stderr, stdout } = await run({
      image: machine.image,
      destination: `${machine.image}-amd64`,
      ...inputs,
    });
    expect(code, stderr).toBe(0);
    expect(stdout.toString()).toMatch(/^Verified \d+ files/m);
    const digest = await digestOfTag(machine, 'v1-amd64');
    expect(await Promise.all(['stable', 'latest'].map((tag) => digestOfTag(machine, tag)))).toEqual([digest, digest]);
  });

  test.each([
    ['image', '$(touch HACKED)'],
    ['image', '--help'],
    ['image', '"; touch HACKED; "'],
    ['destination', '`touch HACKED`'],
    ['span-size', '1; touch HACKED'],
  ])('runs nothing of a hostile %s: %s', async (name, value) => {
    const { code, outputs } = await run({
      image: machine.image,
      [name]: value.replaceAll('HACKED', join(folder, 'HACKED')),
    });
    expect(code).not.toBe(0);
    expect(outputs.outcome).toBe('');
    expect(() => cpSync(join(folder, 'HACKED'), join(folder, 'copy'))).toThrow('ENOENT');
  });

  test('says what to do without an image', async () => {
    const { code, stdout } = await run({ image: '' });
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^::error::The input image is empty\. Set it to /m);
  });

  test('uses a recent Node.js of the tool cache if the one on PATH is too old, and says so without one', async () => {
    const old = join(folder, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const cache = join(folder, 'tools');
    const recent = join(cache, 'node', '24.0.0', 'x64', 'bin');
    const env = { PATH: `${old}:/usr/bin:/bin`, RUNNER_TOOL_CACHE: cache };
    const without = await run({ image: machine.image }, env);
    expect(without.code).toBe(1);
    expect(without.stdout.toString()).toContain(
      '::error::soci-index needs Node.js 22.15 or later. Run actions/setup-node',
    );

    mkdirSync(join(recent, '..'), { recursive: true });
    symlinkSync(join(folder, 'bin'), recent);
    const found = await run({ image: machine.image, 'min-layer-size': '0' }, env);
    expect(found.code, found.stderr).toBe(0);
    expect(found.outputs.tag).toBe('v1-soci');
  });

  test('has an input for each option of convert', async () => {
    const help = (
      await runWell(process.execPath, [join(ROOT, 'packages/cli/bin/soci-index.js'), 'convert', '--help'])
    ).toString();
    const options = [...help.matchAll(/^ +(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name);
    const expected = options.filter((name) => !(name in OPTIONS_WITHOUT_INPUT));
    const own = ['image', 'destination', 'cli'];
    expect(
      Object.keys(ACTION.inputs)
        .filter((name) => !own.includes(name))
        .sort(),
    ).toEqual(expected.sort());
    expect(Object.keys(OPTIONS_WITHOUT_INPUT).filter((name) => !options.includes(name))).toEqual([]);
  });
});

describe.skipIf(!hasTools('actionlint'))('the example of a workflow (needs Go)', () => {
  const example = exampleBelow('docs/ci.md', 'GitHub Actions', 'yaml');

  /** Checks the example with the linter, which compares its inputs and outputs with the action. */
  async function lint(steps: string) {
    const repository = join(folder, `lint-${runs++}`);
    mkdirSync(join(repository, '.github', 'workflows'), { recursive: true });
    await runWell('git', ['init', '--quiet', repository]);
    cpSync(FOLDER, join(repository, 'apps', 'github-action'), { recursive: true });
    const workflow = join(repository, '.github', 'workflows', 'deploy.yml');
    const local = steps.replace('OWNER/REPOSITORY/apps/github-action@COMMIT', './apps/github-action');
    const indented = local.replaceAll(/^(?=.)/gm, '      ');
    writeFileSync(workflow, `on: push\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    steps:\n${indented}`);
    return runProgram(toolPath('actionlint'), ['-no-color', '-shellcheck=', '-pyflakes=', workflow]);
  }

  test.each([
    ['docs/ci.md', example],
    ['the README', exampleBelow('apps/github-action/README.md', 'GitHub action: index an image with SOCI', 'yaml')],
  ])('of %s is accepted by actionlint', async (_, steps) => {
    const { code, stdout } = await lint(steps);
    expect(stdout.toString()).toBe('');
    expect(code).toBe(0);
  });

  test('needs at most six lines', () => {
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(6);
  });

  test('is rejected with a mistyped input or output', async () => {
    expect((await lint(example.replace('image: ', 'imagee: '))).stdout.toString()).toContain('imagee');
    expect((await lint(example.replace('outputs.image', 'outputs.imagee'))).stdout.toString()).toContain('imagee');
  });
});

// Only with --all, which prints a missing act.
if (hasTools('act'))
  test('the GitHub action runs in act, and a later step has its output', async () => {
    const repository = join(folder, 'act');
    mkdirSync(join(repository, '.github', 'workflows'), { recursive: true });
    cpSync(FOLDER, join(repository, 'apps', 'github-action'), { recursive: true });
    const steps = exampleBelow('docs/ci.md', 'GitHub Actions', 'yaml')
      .replace('OWNER/REPOSITORY/apps/github-action@COMMIT', './apps/github-action')
      .replace('registry.example/team/app:v1', `${machine.image}\n    min-layer-size: 0`)
      .replace('./deploy.sh', 'echo deploy')
      .replaceAll(/^(?=.)/gm, '      ');
    // act copies the sources itself instead of running this action.
    const workflow = `on: push\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v6\n${steps}`;
    writeFileSync(join(repository, '.github', 'workflows', 'deploy.yml'), workflow);
    const git = (...words: readonly string[]) => runWell('git', ['-C', repository, ...words]);
    await git('init', '--quiet');
    await git('add', '--all');
    await git('-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit', '--quiet', '--message', 'x');
    const words = ['push', '--platform', 'ubuntu-24.04=-self-hosted'];
    const { code, stdout, stderr } = await runProgram(toolPath('act'), words, { env: machine.env, cwd: repository });
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout.toString()).toContain(`deploy ${machine.image}-soci`);
  });

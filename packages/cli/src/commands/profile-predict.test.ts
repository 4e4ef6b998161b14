import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseProfile } from '@soci/index';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LayerFiles, packImage } from '../fixtures/pack-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();

const FILES: LayerFiles = {
  'bin/sh': '\x7fELF',
  'bin/': '',
  'bin/start': '#!/bin/sh\nexec "$@"\n',
  'bin/server': '#!/bin/runtime\n',
  'bin/runtime': '\0'.repeat(3000),
  'bin/job': '#!/bin/sh\n. /etc/job.conf\n',
  'etc/job.conf': 'A=1\n',
  'etc/passwd': 'root:x:0:0::/:/bin/sh\n',
};

/** Writes an image to a layout directory. */
async function writeLayout(name: string, config: object): Promise<string> {
  const path = join(folder, name);
  await packImage(path, [FILES], config);
  return `oci:${path}`;
}

describe('profile predict', () => {
  let image = '';

  beforeAll(async () => {
    image = await writeLayout('app', { Entrypoint: ['/bin/start'], Cmd: ['server'], Env: ['PATH=/bin'] });
  });

  const PATHS = ['/bin/runtime', '/bin/server', '/bin/sh', '/bin/start', '/etc/passwd'];

  it('lists what the start reads, the largest file first, with reasons and totals', async () => {
    const run = await runCli(['profile', 'predict', image]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toBe(
      [
        'FILE             READ     SIZE  WHY',
        '/bin/runtime  2.9 KiB  2.9 KiB  run by server',
        '/etc/passwd      22 B     22 B  users and groups',
        '/bin/start       20 B     20 B  script',
        '/bin/server      15 B     15 B  script of start',
        '/bin/sh           4 B      4 B  run by start',
        '',
        'Predicted: 5 files, 3 KiB.',
        '',
      ].join('\n'),
    );
  });

  it('prints a profile with --json, and paths with --quiet', async () => {
    const json = await runCli(['profile', 'predict', '--json', image]);
    expect(parseProfile(json.bytes)).toEqual({ origin: 'predicted', files: PATHS.map((path) => ({ path })) });
    expect(jsonLines(json)[0]).toMatchObject({
      bytes: 3061,
      files: [{ path: '/bin/runtime', size: 3000, reason: 'program', from: '/bin/server' }, {}, {}, {}, {}],
    });
    const quiet = await runCli(['profile', 'predict', '-q', image]);
    expect(quiet).toMatchObject({ code: 0, stdout: `${PATHS.join('\n')}\n` });
  });

  it('writes a profile that convert accepts', async () => {
    const file = join(folder, 'start.json');
    const run = await runCli(['profile', 'predict', '-o', file, image]);
    expect(run.stdout).toMatch(new RegExp(`\nWrote ${file}: 5 files, 3 KiB.\n$`));
    expect(parseProfile(readFileSync(file)).files.map(({ path }) => path)).toEqual(PATHS);
    const [json] = jsonLines(await runCli(['profile', 'predict', '--json', '-o', file, image]));
    expect(json).toEqual({ outcome: 'predicted', files: 5, bytes: 3061, output: file });
  });

  it('prints a table that is not accepted as a list of paths; the paths of --quiet are', async () => {
    const file = join(folder, 'redirected.txt');
    const convertWith = async (...argv: string[]) => {
      writeFileSync(file, (await runCli(['profile', 'predict', ...argv, image])).stdout);
      const run = await runCli(['convert', '--min-layer-size', '0', '--profile', file, image, `${image}-redirected`]);
      return { ...run, text: run.stdout + run.stderr };
    };
    const table = await convertWith();
    expect(table.code).not.toBe(0);
    expect(table.text).toMatch(/redirected\.txt, line 1: the table of "profile predict".*--json/);
    expect(await convertWith('-q')).toMatchObject({ code: 0, text: expect.stringContaining('5 of 5 files found') });
    expect(await convertWith('--json')).toMatchObject({ code: 0, text: expect.stringContaining('5 of 5 files found') });
  });

  it.each([
    ['without --', ['-q', '--output=words.json'], ['job', '-x', '--json', '-q', '-h', '--', '-o']],
    ['after --', ['-q'], ['--', 'job', '-x', '--output', 'words.json']],
  ])('leaves the options of another start command to it, %s', async (_, options, words) => {
    const at = options.map((each) => each.replace('words.json', join(folder, 'words.json')));
    const run = await runCli(['profile', 'predict', ...at, image, ...words]);
    expect(run, run.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout === '' ? readFileSync(join(folder, 'words.json'), 'utf8') : run.stdout).toContain('/bin/job');
  });

  it('does not take --json of another start command for its own, even if it fails', async () => {
    const run = await runCli(['profile', 'predict', `oci:${join(folder, 'missing')}`, 'job', '--json']);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).not.toBe('');
  });

  it('reads options between the image and the end of options', async () => {
    const run = await runCli(['profile', 'predict', image, '-q', '--platform', 'linux/amd64']);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).not.toContain('/bin/job');
    expect(await runCli(['profile', 'predict', image, '-g', 'job'])).toMatchObject({ code: 2 });
  });

  it('predicts for another command after --, which replaces Cmd', async () => {
    const run = await runCli(['profile', 'predict', '-q', image, '--', 'job', '-x']);
    expect(run.stdout).toBe(['/bin/job', '/bin/sh', '/bin/start', '/etc/job.conf', '/etc/passwd', ''].join('\n'));
  });

  it('fails if the image has no such program', async () => {
    const failures = async (name: string, config: object) => {
      const source = await writeLayout(name, config);
      const run = await runCli(['profile', 'predict', '--json', source]);
      expect(run.code).toBe(1);
      return jsonLines<{ error: object }>(run)[0]?.error;
    };
    expect(await failures('none', {})).toMatchObject({
      code: 'NOTHING_PREDICTED',
      message: expect.stringContaining('the image has no Entrypoint and no Cmd'),
    });
    expect(await failures('missing', { Cmd: ['/missing\u001b[2J'] })).toMatchObject({
      code: 'NOTHING_PREDICTED',
      message: expect.stringContaining('the image has no program "/missing\\x1b[2J"'),
    });
    expect(await failures('wrong', { Cmd: 'server', Entrypoint: [1] })).toMatchObject({ code: 'NOTHING_PREDICTED' });
  });
});

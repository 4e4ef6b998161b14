import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { goldenLayerPath, goldenLayoutPath } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { COMMON_OPTIONS } from './command/command.ts';
import { COMMANDS } from './command-table.ts';
import { runCli } from './fixtures/run-cli.ts';
import { textWidth } from './terminal/text.ts';

const commands = await Promise.all(COMMANDS.map(({ load }) => load()));

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('%j prints the commands and exit codes', async (argv) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, summary } of commands)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20)}`, 'm'));
    expect(stdout).toMatch(/^ {2}3 +nothing to index/m);
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    '%s --help prints usage, options and examples',
    async (name, command) => {
      const { code, stdout } = await runCli([...name.split(' '), '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: soci-index ${name} \\[OPTIONS\\] `));
      for (const option of [...Object.keys(command.options), 'json', 'quiet']) expect(stdout).toContain(`--${option}`);
      for (const { line } of command.examples) expect(stdout).toContain(`soci-index ${line}`);
      expect(await runCli(['help', ...name.split(' ')])).toMatchObject({ code: 0, stdout });
    },
  );

  it('prints only the commands of a group', async () => {
    const { stdout } = await runCli(['ztoc', '--help']);
    expect(stdout).toContain('ztoc create');
    expect(stdout).not.toContain('convert ');
  });

  it.each([60, 80, 100, 120])('fits a terminal of %i columns, and uses them', async (columns) => {
    const widths: number[] = [];
    for (const argv of [[], ['ztoc'], ...commands.map(({ name }) => name.split(' '))]) {
      const { stdout } = await runCli([...argv, '--help'], { columns, env: { NO_COLOR: '1' } });
      widths.push(...stdout.split('\n').map(textWidth));
    }
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns);
    expect(Math.max(...widths)).toBeGreaterThan(columns - 10);
  });

  it('is 80 columns wide if the output is not a terminal', async () => {
    const inPipe = await runCli(['convert', '--help']);
    expect(inPipe.stdout).toBe((await runCli(['convert', '--help'], { columns: 80, env: { NO_COLOR: '1' } })).stdout);
  });

  it('keeps examples that are longer than a line usable', async () => {
    const { stdout } = await runCli(['convert', '--help'], { columns: 60, env: { NO_COLOR: '1' } });
    const [, example = ''] = stdout.split('# index one platform and write a tar file\n');
    const joined = example
      .replaceAll(/\\\n\s+/g, '')
      .split('\n')[0]
      ?.trim();
    expect(joined).toBe('soci-index convert --platform linux/arm64 oci:app oci-archive:app.tar:v1');
  });

  it.each(commands.map((command) => [command.name, command] as const))(
    '%s --help has one line of 80 columns for each option and operand',
    async (name, { options, operands }) => {
      const { stdout } = await runCli([...name.split(' '), '--help'], { columns: 80, env: { NO_COLOR: '1' } });
      const lines = stdout.split('\n');
      expect(lines.filter((line) => textWidth(line) > 80)).toEqual([]);
      const helps = [...Object.values({ ...COMMON_OPTIONS, ...options }), ...operands].map(({ help }) => help);
      for (const help of helps) expect(lines.filter((line) => line.endsWith(`  ${help}`))).toHaveLength(1);
    },
  );

  it('takes precedence over errors on the command line, except after --', async () => {
    expect(await runCli(['convert', '--nonsense', '-h'])).toMatchObject({ code: 0 });
    expect(await runCli(['inspect', '--', '--help'])).toMatchObject({ code: 2 });
  });
});

describe('an invalid command line', () => {
  it.each([
    [['convrt', 'a', 'b'], 'unknown command "convrt"', 'Did you mean soci-index convert?'],
    [['ztoc', 'inof'], 'unknown command "ztoc inof"', 'Did you mean soci-index ztoc info?'],
    [['ztoc'], 'ztoc needs a subcommand', 'Use one of: ztoc create'],
    [['push'], 'unknown command "push"', 'See soci-index --help.'],
    [['--quiet', 'convert'], 'missing SRC', 'Usage: soci-index convert [OPTIONS] SRC DST'],
    [['--quiet'], 'missing COMMAND', 'See soci-index --help.'],
    [['--spansize', '1', 'convert'], 'unknown option --spansize', 'Did you mean --span-size?'],
    [['-q', 'convrt'], 'unknown command "convrt"', 'Did you mean soci-index convert?'],
    [['ztoc', '-q'], 'ztoc needs a subcommand', 'Use one of: ztoc create'],
    [['convert', 'oci:a'], 'missing DST', 'Usage: soci-index convert [OPTIONS] SRC DST'],
    [['inspect', 'oci:a', 'oci:b'], 'unexpected argument "oci:b"', 'Usage: soci-index inspect'],
    [['convert', '--spansize', '1', 'oci:a', 'oci:b'], 'unknown option --spansize', 'Did you mean --span-size?'],
    [['convert', '--span-size', '0', 'oci:a', 'oci:b'], '--span-size: the size must be at least one byte', ''],
    [['convert', '--platform', 'linux', 'oci:a', 'oci:b'], 'invalid platform "linux"', 'linux/arm64'],
    [
      ['convert', '-p', 'linux/amd64', '--all-platforms', 'oci:a', 'oci:b'],
      'cannot use --all-platforms with --platform',
      '',
    ],
    [['convert', 'docker-daemon:a:v1', 'oci:b'], 'cannot read from the storage of a Docker daemon', 'skopeo copy'],
    [['convert', 'oci:a', 'docker-archive:a.tar'], 'can only read this format', 'Write to a registry'],
    [
      ['convert', 'oci:a', 'b.tar'],
      'b.tar: missing transport or registry host',
      'Did you mean oci-archive:b.tar, or docker-archive:b.tar',
    ],
    [['convert', 'oci:a', `registry.example/app:${'v'.repeat(129)}`], 'the tag has 129 characters', 'shorter'],
    [['convert', 'oci:a', 'registry.example/App'], 'in lower case', ''],
    [['convert', 'oci:a', `registry.example/app@sha256:${'0'.repeat(64)}`], 'DST cannot be a digest', 'a tag'],
    [['inspect', '--username', 'me', 'registry.example/app'], 'must be used together', 'password-file'],
    [['inspect', '--password-stdin', 'registry.example/app'], 'must be used together', 'password-file'],
    [
      ['convert', '--username', 'me', '--password-stdin', 'one.example/app', 'two.example/app'],
      '--username applies to one registry, but the command uses two: one.example, two.example',
      '--authfile',
    ],
    [['convert', 'oci:a', 'oci:b:@0'], 'DST cannot be a position', 'Use a tag'],
    [['create', 'oci-archive:a.tar'], 'cannot add indexes to a tar file', 'Specify DST'],
    [['ztoc', 'create'], 'missing LAYER', 'LAYER...'],
    [['ztoc', 'create', '-o', 'x', 'a/layer.tar', 'b/layer.tar'], 'would both be written to', 'different directories'],
  ])('%j exits with 2 and prints advice', async (argv, message, remedy) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(remedy);
    expect(stderr).not.toMatch(/^ +at .*\.ts:/m);
  });

  it('is reported as JSON too with --json', async () => {
    const { code, stdout, stderr } = await runCli(['inspect', '--json', 'docker-daemon:app']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'TRANSPORT_UNSUPPORTED' } });
    expect(stderr).toContain('[TRANSPORT_UNSUPPORTED]');
  });
});

describe('options before the command', () => {
  const source = `oci:${goldenLayoutPath('multi')}`;

  it.each([
    [['--quiet', 'inspect', source]],
    [['-q', 'inspect', source]],
    [['--json', '--debug', 'inspect', source]],
    [['--retry-times', '3', '-q', 'inspect', source]],
    [['--retry-times=3', '--json=true', 'inspect', source]],
    [['inspect', '--quiet', '--', source]],
  ])('%j are those of the command', async (argv) => {
    const { code, stdout } = await runCli(argv);
    expect(code).toBe(0);
    expect(stdout).toContain('sha256:');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it('can be between the words of a command', async () => {
    const layer = goldenLayerPath('plain.tar');
    const usual = await runCli(['ztoc', 'create', '-q', layer]);
    expect(usual.code).toBe(0);
    expect(await runCli(['ztoc', '-q', 'create', layer])).toMatchObject({ code: 0, stdout: usual.stdout });
    expect(await runCli(['-q', 'ztoc', 'create', layer])).toMatchObject({ code: 0, stdout: usual.stdout });
  });

  it('can ask for help', async () => {
    const { stdout } = await runCli(['inspect', '--help']);
    expect(await runCli(['--help', 'inspect'])).toMatchObject({ code: 0, stdout });
    expect(await runCli(['--debug', '--help', 'inspect'])).toMatchObject({ code: 0, stdout });
    expect((await runCli(['--help', 'ztoc'])).stdout).toBe((await runCli(['help', 'ztoc'])).stdout);
  });

  it('can have a value that is the name of a command', async () => {
    const run = await runCli(['--layer', 'ls', 'inspect', source]);
    expect(run).toMatchObject({ code: 2 });
    expect(run.stderr).toContain('"ls"');
  });
});

describe('an environment variable', () => {
  const source = `oci:${goldenLayoutPath('multi')}`;

  it('sets an option', async () => {
    const { stdout } = await runCli(['inspect', '--quiet', source]);
    expect(await runCli(['inspect', source], { env: { SOCI_QUIET: '1' } })).toMatchObject({ code: 0, stdout });
    expect(await runCli(['inspect', source], { env: { SOCI_QUIET: '' } })).not.toMatchObject({ stdout });
  });

  it('is overridden by the command line', async () => {
    const { stdout } = await runCli(['inspect', source]);
    const env = { SOCI_QUIET: 'true', SOCI_JSON: '1' };
    expect(await runCli(['inspect', '--quiet=false', '--json=false', source], { env })).toMatchObject({ stdout });
  });

  it('that is invalid is named in the error', async () => {
    const run = await runCli(['convert', 'oci:a', 'oci:b'], { env: { SOCI_SPAN_SIZE: 'big', SOCI_JSON: '1' } });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('SOCI_SPAN_SIZE: "big" is not a size');
    expect(run.stderr).toContain('Write auto, a number of bytes, or a number with KiB, MiB or GiB');
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'USAGE_INVALID' } });
  });
});

describe('a failure', () => {
  it('prints the code, the file and the reason, and exits with 1', async () => {
    const { code, stdout, stderr } = await runCli(['inspect', 'oci:no-such-folder']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^soci-index: .*no-such-folder.* \[NOT_FOUND\]$/m);
    expect(stderr).not.toMatch(/^ +at .*\.ts:/m);
  });

  it.each([
    [
      ['inspect', `oci:${goldenLayerPath('plain.tar')}`],
      'is a file, not a directory',
      `oci-archive:${goldenLayerPath('plain.tar')}?`,
    ],
    [
      ['inspect', `oci-archive:${goldenLayoutPath('multi')}:v1`],
      'is a directory, not a file',
      `oci:${goldenLayoutPath('multi')}:v1?`,
    ],
    [
      ['ztoc', 'create', goldenLayoutPath('multi')],
      `${goldenLayoutPath('multi')}: is a directory, not a file [EISDIR]`,
      '',
    ],
    ...[
      ['ztoc', 'info', goldenLayoutPath('multi')],
      ['convert', '--profile', goldenLayoutPath('multi'), 'oci:from:v1', 'oci:to:v1'],
      ['convert', '--prefetch-files-json', goldenLayoutPath('multi'), 'oci:from:v1', 'oci:to:v1'],
    ].map((argv): [string[], string, string] => [
      argv,
      `${goldenLayoutPath('multi')}: is a directory, not a file [EISDIR]`,
      '',
    ]),
    [['ztoc', 'info', 'no-such-file'], 'no-such-file: no such file or directory [ENOENT]', ''],
    [['ztoc', 'cat', goldenLayerPath('plain.tar'), goldenLayerPath('plain.tar'), 'x'], '[ZTOC_INVALID]', ''],
  ])('%j names the file and the problem', async (argv, message, remedy) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(remedy);
  });

  it.each([
    [['--debug'], {}],
    [[], { DEBUG: '1' }],
  ])('prints a stack trace with options %j and environment %j', async (options, env) => {
    const { stderr } = await runCli(['inspect', 'oci:no-such-folder', ...options], { env });
    expect(stderr).toMatch(/^ +at .*\.ts:/m);
  });

  it('is reported as an interruption if the user stopped the program', async () => {
    const signal = AbortSignal.abort(new Error('stopped by SIGINT'));
    const { code, stderr } = await runCli(['inspect', 'oci:no-such-folder'], { signal });
    expect(code).toBe(130);
    expect(stderr).toContain('stopped by SIGINT');
  });
});

describe('--version', () => {
  it.each([['--version'], ['-V'], ['version'], ['--debug', '-V'], ['-V', 'convert']])(
    '%s prints the version',
    async (...argv) => {
      expect((await runCli(argv)).stdout).toMatch(/^soci-index \d+\.\d+\.\d+\S*\n$/);
    },
  );
});

describe('the program', () => {
  const PROGRAM = fileURLToPath(new URL('../bin/soci-index.js', import.meta.url));

  it.each([
    ['v20.20.2', 1, 'soci-index: it needs Node.js 22.15 or later, and this is v20.20.2. Install a later version.\n'],
    ['v22.14.0', 1, 'soci-index: it needs Node.js 22.15 or later, and this is v22.14.0. Install a later version.\n'],
    ['v22.15.0', 0, ''],
  ])('with Node.js %s ends with code %i', (version, code, message) => {
    const values = { version: { value: version }, versions: { value: { node: version.slice(1) } } };
    const pretend = `data:text/javascript,Object.defineProperties(process,${JSON.stringify(values)})`;
    const run = spawnSync(process.execPath, ['--import', pretend, PROGRAM, '--version'], { encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([code, message]);
  });
});

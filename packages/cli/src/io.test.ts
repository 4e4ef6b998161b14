import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { goldenLayerPath, goldenLayoutPath, hasProgram } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './fixtures/run-cli.ts';

const folder = temporaryFolder();

/** Arguments for Node.js that run the program from its sources. */
function nodeArguments(argv: readonly string[]): string[] {
  const script = `
    import { main } from ${JSON.stringify(new URL('./main.ts', import.meta.url).href)};
    process.exitCode = await main(${JSON.stringify(argv)});`;
  return ['--conditions=@soci/source', '--no-warnings', '--input-type=module', '--eval', script];
}

/** Starts the program in another process. */
function start(...argv: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, nodeArguments(argv));
}

const LAYER = goldenLayerPath('many-files.tar.gz');
const ZTOC = join(folder, 'many-files.tar.gz.ztoc');
const APP = `oci:${goldenLayoutPath('single-oci')}`;
let converted: string;

beforeAll(async () => {
  await runCli(['ztoc', 'create', '-o', folder, LAYER]);
  converted = `oci:${join(folder, 'converted')}:soci`;
  expect(await runCli(['convert', '--min-layer-size', '0', APP, converted])).toMatchObject({ code: 0 });
});

describe('the program as a process', () => {
  it('stops on a signal, cleans up, and exits with 130', async () => {
    // The first zeros are the end of the archive. The program reads the rest of the file too, which takes a while.
    const endless = join(folder, 'endless.tar');
    writeFileSync(endless, '');
    truncateSync(endless, 2 ** 34);
    const child = start('ztoc', 'create', '-o', join(folder, 'out'), endless);
    while (!existsSync(join(folder, 'out'))) await setTimeout(20);
    child.kill('SIGINT');
    const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect(code).toBe(130);
    expect(stderr).toContain('stopped by SIGINT');
  });

  it('exits with 0 when its reader closes the pipe', async () => {
    const child = start('ztoc', 'ls', '--json', ZTOC);
    child.stdout.once('data', () => child.stdout.destroy());
    const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe.skipIf(process.platform === 'win32')('an archive on standard input of the process', () => {
  const temporary = join(folder, 'temporary');

  beforeAll(async () => {
    mkdirSync(temporary);
    await runCli(['convert', '--min-layer-size', '0', APP, `oci-archive:${join(folder, 'app.tar')}`]);
  });

  async function inspect(location: string, stdin: 'file' | 'pipe', env: Record<string, string>) {
    const file = openSync(join(folder, 'app.tar'), 'r');
    const child = spawn(process.execPath, nodeArguments(['inspect', '--quiet', location]), {
      stdio: [stdin === 'file' ? file : 'pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    closeSync(file);
    child.stdin?.end(readFileSync(join(folder, 'app.tar')));
    const [[code], stdout] = await Promise.all([once(child, 'exit'), text(child.stdout as Readable)]);
    return { code, stdout };
  }

  it('is read in place if it is a file', async () => {
    const image = await runCli(['inspect', '--quiet', `oci-archive:${join(folder, 'app.tar')}`]);
    for (const location of ['oci-archive:-', 'oci-archive:/dev/stdin']) {
      const run = await inspect(location, 'file', { TMPDIR: join(folder, 'missing') });
      expect(run).toEqual({ code: 0, stdout: image.stdout });
    }
  });

  it('is copied to a temporary file if it is a pipe', async () => {
    for (const location of ['oci-archive:-', 'oci-archive:/dev/stdin']) {
      expect(await inspect(location, 'pipe', { TMPDIR: temporary })).toMatchObject({ code: 0 });
    }
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('leaves no temporary file after %s', async (signal) => {
    const child = spawn(process.execPath, nodeArguments(['inspect', 'oci-archive:-']), {
      env: { ...process.env, TMPDIR: temporary },
    });
    const exit = once(child, 'exit');
    // The copy waits for the rest of the archive.
    const isReading = new Promise((resolve) => child.stdin.write(Buffer.alloc(2 ** 20), resolve));
    await isReading;
    child.kill(signal);
    await exit;
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('stops while it waits for more of the archive', async () => {
    const child = spawn(process.execPath, nodeArguments(['inspect', 'oci-archive:-']));
    const exit = once(child, 'exit');
    await new Promise((resolve) => child.stdin.write(Buffer.alloc(2 ** 20), resolve));
    // Until it has read everything.
    await setTimeout(1000);
    child.kill('SIGTERM');
    expect(await exit).toEqual([130, null]);
  });
});

describe.skipIf(!hasProgram('mkfifo'))('an idle named pipe (needs mkfifo)', () => {
  const pipe = join(folder, 'pipe');
  beforeAll(() => void execFileSync('mkfifo', [pipe]));

  /** Opens the pipe for writing. Undefined as long as no process reads it. */
  const openWriter = () => {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
  };

  it.each([
    ['inspect', `oci-archive:${pipe}`],
    ['report', '--profile', pipe, APP],
    ['ztoc', 'create', pipe],
    ['ztoc', 'info', pipe],
    ['doctor', '--soci-config', pipe, 'registry.example/app'],
  ])('does not delay the end after a signal: %s %s %s', async (...words) => {
    const child = start(...words);
    const exit = once(child, 'exit');
    let writer: number | undefined;
    await expect.poll(() => (writer = openWriter()), { timeout: 120_000 }).toBeDefined();
    child.kill('SIGTERM');
    expect(await exit).toEqual([130, null]);
    if (writer !== undefined) closeSync(writer);
  });

  it('is read when a program writes to it', async () => {
    const child = start('ztoc', 'info', '--quiet', pipe);
    const [[code], stdout] = await Promise.all([
      once(child, 'exit'),
      text(child.stdout),
      writeFile(pipe, readFileSync(ZTOC)),
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: (await runCli(['ztoc', 'info', '--quiet', ZTOC])).stdout });
  });
});

/** A command of each kind, and whether it succeeds. */
const commandLines = (name: string): readonly (readonly [string, readonly string[], number])[] => [
  ['version', ['--version'], 0],
  ['inspect', ['inspect', converted], 0],
  ['ls', ['ls', converted, '/'], 0],
  ['verify', ['verify', converted], 0],
  ['convert', ['convert', '--min-layer-size', '0', APP, `oci:${join(folder, name)}`], 0],
  ['convert to an archive', ['convert', '--min-layer-size', '0', APP, `oci-archive:${join(folder, name)}.tar`], 0],
  ['ztoc create', ['ztoc', 'create', '-o', join(folder, `${name}-ztocs`), LAYER], 0],
  ['an unknown command', ['convrt'], 2],
];

/** Names in a folder that are not results. */
const drafts = () =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /tmp|partial/.test(name));

describe.skipIf(!hasProgram('sh'))('outputs that are closed or full (needs sh)', () => {
  /** Runs commands in shells that redirect their outputs. Checks exit codes, and that no stack trace or draft is left. */
  async function runAll(redirection: string, expected: (code: number) => number, only: RegExp = /./) {
    const lines = commandLines(`out-${Buffer.from(redirection).toString('hex')}`).filter(([name]) => only.test(name));
    const runs = await Promise.all(lines.map(([, argv]) => run(argv, redirection)));
    expect(runs.map(({ code }) => code)).toEqual(lines.map(([, , code]) => expected(code)));
    for (const { stderr } of runs) expect(stderr).not.toMatch(/^ +at /m);
    expect(drafts()).toEqual([]);
    return runs;
  }

  async function run(argv: readonly string[], redirection: string) {
    const words = nodeArguments(argv).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const command = `{ '${process.execPath}' ${words.join(' ')}; echo "exit $?" >&3; } ${redirection}`;
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const outputs = await Promise.all([child.stderr, child.stdio[3]].map((stream) => text(stream as Readable)));
    return { stderr: outputs[0] ?? '', code: Number(/^exit (\d+)$/m.exec(outputs[1] ?? '')?.[1]) };
  }

  it('a closed output does not change the exit code', async () => {
    await runAll('2>&1 | true', (code) => code);
    await runAll('2>&1 | head -n 1', (code) => code, /^convert|verify/);
    await runAll('>&- 2>&-', (code) => code, /^convert|version/);
  });

  it.runIf(existsSync('/dev/full'))('a full standard output fails with a message', async () => {
    const runs = await runAll('> /dev/full', (code) => code || 1);
    const full = runs.filter(({ code }) => code === 1);
    for (const { stderr } of full)
      expect(stderr).toMatch(/cannot write to standard output: ENOSPC.* \[OUTPUT_FAILED\]/);
  });

  it.runIf(existsSync('/dev/full'))('a full standard error does not change the exit code', async () => {
    await runAll('2> /dev/full', (code) => code, /^convert|unknown/);
  });
});

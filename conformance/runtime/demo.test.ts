// `npm start -- run`: the demonstration that starts a container lazily, next to an ordinary pull.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, inject, it } from 'vitest';

const DEMO = join(import.meta.dirname, '..', '..', 'apps', 'demo', 'dist', 'main.js');
const folder = temporaryFolder();

/** The fields of `--json` that the tests use. */
interface DemoReport {
  readonly outcome: string;
  readonly imageSize: number;
  readonly lanes: readonly { title: string; seconds: number; bytes: number; output: string; lazyLayers: number }[];
}

interface DemoResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demonstration in a directory without `node_modules`, so that its image is small. */
function runDemo(words: readonly string[], onStderr: (text: string, interrupt: () => void) => void = () => {}) {
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary, { recursive: true });
  const argv = [DEMO, 'run', '--dir', join(folder, 'images'), ...words];
  const child = spawn(process.execPath, argv, { cwd: folder, env: { ...process.env, TMPDIR: temporary } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text;
    onStderr(stderr, () => child.kill('SIGINT'));
  });
  return new Promise<DemoResult>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Returns the mounts, processes and files that are left. */
function leftovers(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder));
  const processes = readdirSync('/proc').flatMap((name) => {
    try {
      const line = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8') : '';
      return line.includes(join(folder, 'temporary')) ? [line.replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
  return [...mounts, ...processes, ...readdirSync(join(folder, 'temporary'))];
}

describe.skipIf(inject('programs') === undefined)('npm start -- run', () => {
  it('starts the same container with an ordinary pull and lazily, and leaves nothing', async () => {
    const { code, stdout, stderr } = await runDemo(['--json']);
    expect(stderr).not.toContain('npm start:');
    expect(code).toBe(0);
    const { outcome, imageSize, lanes } = JSON.parse(stdout) as DemoReport;
    expect(outcome).toBe('measured');
    const [ordinary, lazy] = lanes;
    expect(ordinary).toMatchObject({ title: 'ordinary pull', lazyLayers: 0 });
    expect(ordinary?.bytes).toBeGreaterThan(0.99 * imageSize);
    expect(lazy?.lazyLayers).toBeGreaterThan(0);
    expect(lazy?.bytes).toBeLessThan(0.8 * imageSize);
    for (const { output, seconds } of lanes) {
      expect(output).toMatch(/^Node\.js v\d+\S+ in a container$/);
      expect(seconds).toBeGreaterThan(0);
    }
    expect(leftovers()).toEqual([]);
  });

  it('leaves nothing after an interruption', async () => {
    const { code, stderr } = await runDemo([], (text, interrupt) => {
      if (text.includes('starting containerd for the lazy start')) setTimeout(interrupt, 1000);
    });
    expect(stderr).toContain('stopped by SIGINT');
    expect(code).toBe(130);
    expect(leftovers()).toEqual([]);
  });
});

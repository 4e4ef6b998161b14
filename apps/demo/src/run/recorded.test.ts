import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { runDemoInProcess } from '../fixtures/run-demo-in-process.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
const folder = temporaryFolder();

/** Runs the command without any other program on PATH, so that no machine can start containers. */
function runWithoutPrograms(...words: string[]): string {
  const argv = ['--conditions=@soci/source', PROGRAM, 'run', '--dir', join(folder, 'unused'), ...words];
  return execFileSync(process.execPath, argv, { encoding: 'utf8', env: { PATH: folder } });
}

/** Output of `--json`. */
interface Report {
  readonly outcome: string;
  readonly reason: string;
  readonly date: string;
  readonly starts: readonly { workload: string; variant: string; seconds: number; bytes: number }[];
}

describe('npm start -- run, on a machine that cannot start containers', () => {
  it('says why, and shows recorded starts with their date', () => {
    const output = runWithoutPrograms();
    expect(output).toMatch(/^This machine cannot start containers: .+\.$/m);
    expect(output).toMatch(/^Recorded on \d{4}-\d\d-\d\d at 100 Mbit\/s and 10 ms/m);
    expect(output).toMatch(/^ {2}ordinary pull +█+░* +[\d.]+ s +[\d.]+ MiB$/m);
    expect(output).toMatch(/^ {2}lazy start +[█▏▎▍▌▋▊▉]+░* +[\d.]+ s +[\d.]+ MiB$/m);
  });

  it('prints the same as JSON', () => {
    const report = JSON.parse(runWithoutPrograms('--json')) as Report;
    expect(report).toMatchObject({ outcome: 'recorded', date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) });
    expect(report.reason).not.toBe('');
    const secondsOf = (variant: string) =>
      report.starts.find((start) => start.variant === variant && start.workload.startsWith('python'))?.seconds ?? 0;
    expect(secondsOf('pull')).toBeGreaterThan(secondsOf('default'));
    expect(secondsOf('default')).toBeGreaterThan(0);
  });
});

describe('the command line of npm start -- run', () => {
  it('prints help', async () => {
    const { code, stdout } = await runDemoInProcess(['run', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm start -- run \[OPTIONS\]$/m);
  });

  it('rejects an image, because it starts one that it knows', async () => {
    const { code, stderr } = await runDemoInProcess(['run', 'oci:app']);
    expect(code).toBe(2);
    expect(stderr).toContain('unexpected argument');
  });
});

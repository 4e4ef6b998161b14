import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reports-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function writeReport(folder: string, suites: { status: string; tests: string[] }[]): void {
  const testResults = suites.map(({ status, tests }) => ({
    status,
    name: 'suite.test.ts',
    message: '',
    assertionResults: tests.map((test, i) => ({
      status: test,
      fullName: `test ${i}`,
      failureMessages: test === 'failed' ? ['Error: expected 1\n    at line 3'] : [],
    })),
  }));
  mkdirSync(join(root, folder, '.reports'), { recursive: true });
  writeFileSync(join(root, folder, '.reports', 'test.json'), JSON.stringify({ testResults }));
}

describe('readReports', () => {
  it('counts passed, failed and skipped tests, and lists those that did not pass', () => {
    writeReport('a', [{ status: 'failed', tests: ['passed', 'passed', 'failed', 'pending'] }]);
    expect(readReports(root, ['a'])).toEqual([
      {
        folder: 'a',
        passed: 2,
        failed: 1,
        skipped: 1,
        remarks: ['skipped: test 3', 'failed: test 2: Error: expected 1'],
      },
    ]);
  });

  it('counts a suite that fails to load as a failure', () => {
    writeReport('a', [{ status: 'failed', tests: [] }]);
    expect(readReports(root, ['a'])[0]).toMatchObject({ passed: 0, failed: 1 });
  });

  it('counts a suite whose process crashes as a failure', () => {
    writeReport('a', [{ status: 'failed', tests: ['passed', 'pending'] }]);
    expect(readReports(root, ['a'])[0]).toMatchObject({
      passed: 1,
      failed: 1,
      remarks: ['skipped: test 1', 'failed: suite.test.ts: the test process crashed'],
    });
  });

  it('counts a folder with a missing or incomplete report as a failure', () => {
    writeReport('truncated', []);
    writeFileSync(join(root, 'truncated', '.reports', 'test.json'), '{"testResults":[');
    expect(readReports(root, ['absent', 'truncated']).map(({ failed }) => failed)).toEqual([1, 1]);
  });

  it('counts a folder as a failure if the run wrote no new report', () => {
    writeReport('a', [{ status: 'passed', tests: ['passed'] }]);
    removeReports(root, ['a', 'without-report']);
    expect(readReports(root, ['a'])[0]).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe('formatCounts', () => {
  it('mentions skipped tests only if there are any', () => {
    const counts = [
      { passed: 2, failed: 0, skipped: 0 },
      { passed: 1, failed: 1, skipped: 0 },
    ];
    expect(formatCounts(sumCounts(counts))).toBe('3 passed, 1 failed');
    expect(formatCounts({ passed: 3, failed: 0, skipped: 2 })).toBe('3 passed, 0 failed, 2 skipped');
  });
});

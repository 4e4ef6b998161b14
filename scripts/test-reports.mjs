// Plain JavaScript, because it is imported before the installation.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const REPORT = join('.reports', 'test.json');

/** Removes the reports of an earlier run. */
export function removeReports(root, folders) {
  for (const folder of folders) rmSync(join(root, folder, REPORT), { force: true });
}

/** Reports whether the tests of a folder have written a report. */
export function hasReport(root, folder) {
  return existsSync(join(root, folder, REPORT));
}

/**
 * Counts the tests of each folder from vitest's JSON reports. A suite that fails to load or crashes, and a folder without a
 * report, count as one failed test each.
 *
 * @param {string} root Folder that the others are relative to.
 * @param {string[]} folders Folders with tests.
 */
export function readReports(root, folders) {
  return folders.map((folder) => ({ folder, ...countTests(join(root, folder, REPORT)) }));
}

/** Adds up counts. */
export function sumCounts(counts) {
  const sumOf = (key) => counts.reduce((sum, each) => sum + each[key], 0);
  return { passed: sumOf('passed'), failed: sumOf('failed'), skipped: sumOf('skipped') };
}

/** Formats counts as `12 passed, 0 failed`, followed by `, 3 skipped` if any were skipped. */
export function formatCounts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function countTests(file) {
  const report = readReport(file);
  if (report === null) return { passed: 0, failed: 1, skipped: 0, remarks: ['no report: the test run stopped early'] };
  const tests = report.testResults.flatMap((suite) => suite.assertionResults);
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults.some(isFailed),
  );
  const passed = tests.filter(({ status }) => status === 'passed');
  const failed = tests.filter(isFailed);
  const skipped = tests.filter((test) => test.status !== 'passed' && !isFailed(test));
  return {
    passed: passed.length,
    failed: failed.length + broken.length,
    skipped: skipped.length,
    remarks: [
      ...skipped.map(({ fullName }) => `skipped: ${fullName}`),
      ...broken.map(({ name, message }) => `failed: ${name}: ${firstLine(message) || 'the test process crashed'}`),
      ...failed.map(({ fullName, failureMessages }) => `failed: ${fullName}: ${firstLine(failureMessages[0])}`),
    ],
  };
}

function firstLine(text = '') {
  return text.split('\n', 1)[0];
}

function isFailed({ status }) {
  return status === 'failed';
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

import { type CheckResult, runChecks } from './checks.ts';

/** The same checks in a module worker. */
function runChecksInWorker(): Promise<readonly CheckResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js', { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<readonly CheckResult[]>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
  });
}

const pageChecks = { runChecks, runChecksInWorker };

/** What main.ts finds in the page. */
export type PageChecks = typeof pageChecks;

Object.assign(globalThis, pageChecks);

// Script of the page, and of the module worker that it starts.
import { type CheckResult, runChecks } from './checks.ts';

/** Runs the same checks in a module worker. */
function runChecksInWorker(): Promise<readonly CheckResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('/page.js', { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<readonly CheckResult[]>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
  });
}

const pageChecks = { runChecks, runChecksInWorker };

/** Functions that main.ts calls in the page. */
export type PageChecks = typeof pageChecks;

if ('document' in globalThis) Object.assign(globalThis, pageChecks);
// Not awaited at the top level, so that an error reaches the page as the worker's error.
else runChecks().then(self.postMessage, reportError);

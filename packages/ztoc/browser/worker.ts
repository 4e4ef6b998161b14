import { runChecks } from './checks.ts';

// Not awaited at the top: what is thrown reaches the page as the worker's error.
runChecks().then(
  (results) => self.postMessage(results),
  (error) => reportError(error),
);

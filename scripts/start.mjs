// `npm start [-- ARGS]`: sets the project up when it must, then shows its main job.
import { join } from 'node:path';
import { runAttached, StepError } from './run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';

try {
  await setUp();
  process.exitCode = await runAttached(
    toolNode(),
    [join(ROOT, 'scripts', 'demo', 'main.ts'), ...process.argv.slice(2)],
    QUIET_ENV,
  );
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

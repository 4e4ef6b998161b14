// `npm start [-- ARGS]`: sets the project up when it must, then shows its main job, the whole workflow: apps/demo.
import { join } from 'node:path';
import { runAttached, StepError } from './run-step.mjs';
import { ROOT, setUp, toolNode } from './setup.mjs';

const PROGRAM = join(ROOT, 'apps', 'demo', 'dist', 'main.js');

try {
  await setUp();
  process.exitCode = await runAttached(toolNode(), [PROGRAM, ...process.argv.slice(2)]);
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

// Started by guarded-folder.ts when its process has ended. Cleans up the folder that is its argument.
import { join } from 'node:path';
import { cleanUp } from './clean-up.ts';

const [folder = ''] = process.argv.slice(2);
try {
  // Containers are in the folder of the runtime.
  await cleanUp(join(folder, 'runtime'));
  await cleanUp(folder);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

// `npm run test:standalone -- [VITEST OPTIONS]`: builds the executable and the container image, and runs both.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, toolNode } from '../../scripts/setup.mjs';
import { findOnPath, installDebianPackages } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** Programs that check and run the image. */
const IMAGE_PROGRAMS = ['runc', 'skopeo', 'umoci'];

const BUILDER = join(ROOT, 'apps', 'standalone', 'dist', 'main.js');

await runSuite({
  folder: 'standalone',
  prepare: () => installDebianPackages([...IMAGE_PROGRAMS, 'strip'], { strip: 'binutils' }),
  tools: [
    {
      name: 'builder',
      what: 'A requirement of the build',
      get: async () => {
        const { status, stdout } = spawnSync(toolNode(), [BUILDER, '--check'], { encoding: 'utf8' });
        // The build reports any other failure.
        if (status !== 0 || stdout === '') return BUILDER;
        console.error(stdout.trimEnd());
        return undefined;
      },
      remedy: 'The first line of the output says which.',
    },
    ...IMAGE_PROGRAMS.map((name) => ({
      name,
      what: name,
      get: async () => findOnPath(name),
      remedy: `Debian: apt-get install ${name}, as root.`,
    })),
  ],
});

// `npm run test:lambda -- [VITEST OPTIONS]`: installs Lambda's runtimes and tests the shipped functions with them.
import { join } from 'node:path';
import { ROOT } from '../../scripts/setup.mjs';
import { getEmulator, getMoto, getNode22, getNode24, getRuntimeClient, VENV_REMEDY } from './aws-tools.mjs';
import { hasGo, tryStep } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

await runSuite({
  folder: 'lambda',
  tools: [
    {
      name: 'node24',
      what: 'Node 24',
      get: getNode24,
      remedy: 'It is part of the installation on Linux x64 and arm64.',
    },
    { name: 'node22', what: 'Node 22', get: getNode22, remedy: 'npm has it for Linux x64 and arm64.' },
    {
      name: 'runtimeClient',
      what: "AWS's runtime client for Node",
      get: getRuntimeClient,
      remedy: 'npm builds it. Debian: apt-get install g++ make cmake python3 xz-utils, as root.',
    },
    { name: 'emulator', what: "AWS's emulator of Lambda", get: getEmulator, remedy: VENV_REMEDY },
    { name: 'moto', what: 'moto', get: getMoto, remedy: VENV_REMEDY },
    {
      name: 'reference',
      what: 'the reference',
      get: getReference,
      remedy:
        'Install Go 1.26 or newer (https://go.dev/dl) and a C compiler. Debian: apt-get install gcc libc6-dev zlib1g-dev, as root.',
    },
  ],
});

/** Builds the reference from conformance/reference with Go if anything has changed. Returns its path. */
async function getReference() {
  if (!hasGo()) return undefined;
  const sources = join(ROOT, 'conformance', 'reference');
  const path = join(sources, '.build', 'reference');
  const args = ['build', '-C', sources, '-o', path, '.'];
  return (await tryStep('building the reference', 'go', args, { ...process.env, CGO_ENABLED: '1' })) ? path : undefined;
}

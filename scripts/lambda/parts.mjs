// The real parts that the tests of the Lambda functions run: where each comes from, and how it is got.

import { getNode22, getNode24, getRuntimeClient } from './npm-parts.mjs';
import { getEmulator, getMoto } from './python-parts.mjs';
import { getReference, REFERENCE_REMEDY } from './reference.mjs';

/** Those that tests name, by that name. */
export const LAMBDA_PARTS = [
  {
    name: 'node24',
    what: 'Node 24',
    get: getNode24,
    remedy: 'It comes with the installation, for Linux on x64 and arm64.',
  },
  { name: 'node22', what: 'Node 22', get: getNode22, remedy: 'npm has it for Linux on x64 and arm64.' },
  {
    name: 'runtimeClient',
    what: "AWS's runtime client for Node",
    get: getRuntimeClient,
    remedy: 'npm builds it: Debian: apt-get install g++ make cmake python3 xz-utils, as root.',
  },
  {
    name: 'emulator',
    what: "AWS's emulator of Lambda",
    get: getEmulator,
    remedy: 'It comes out of aws-sam-cli, by python3 -m venv: Debian: apt-get install python3-venv, as root.',
  },
  {
    name: 'moto',
    what: 'moto',
    get: getMoto,
    remedy: 'It comes by python3 -m venv: Debian: apt-get install python3-venv, as root.',
  },
  { name: 'reference', what: 'the reference', get: getReference, remedy: REFERENCE_REMEDY },
];

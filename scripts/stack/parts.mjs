// The real parts that the tests of the stack run: where each comes from, and how it is got. They lie beside those of the tests
// of the Lambda functions, with which they share moto.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cached } from '../lambda/cache.mjs';
import { getMoto } from '../lambda/python-parts.mjs';
import { runStep } from '../run-step.mjs';
import { QUIET_ENV } from '../setup.mjs';

const CFN_LINT = '1.58.0';
const CHECKOV = '3.3.30';
const CDK_NAG = '3.0.2';

const VENV_REMEDY = 'It comes by python3 -m venv: Debian: apt-get install python3-venv, as root.';

/** Those that tests name, by that name. */
export const STACK_PARTS = [
  { name: 'linters', what: 'cfn-lint with checkov', get: getLinters, remedy: VENV_REMEDY },
  { name: 'cdkNag', what: 'cdk-nag', get: getCdkNag, remedy: 'It comes from npm.' },
  { name: 'moto', what: 'moto', get: getMoto, remedy: VENV_REMEDY },
];

/** Path of the Python that has both. */
async function getLinters() {
  if (spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status !== 0) return undefined;
  const folder = await cached(`cfn-lint-${CFN_LINT}-checkov-${CHECKOV}`, async (target) => {
    await runStep('making a Python environment', 'python3', ['-m', 'venv', target]);
    const python = join(target, 'bin', 'python');
    const install = ['-m', 'pip', '--disable-pip-version-check', '--quiet', 'install'];
    const wanted = [`cfn-lint==${CFN_LINT}`, `checkov==${CHECKOV}`];
    await runStep(`getting cfn-lint ${CFN_LINT} and checkov ${CHECKOV}`, python, [...install, ...wanted]);
  });
  return folder && join(folder, 'bin', 'python');
}

/** Path of the package, without the CDK that it is to work on: that is the construct's. */
async function getCdkNag() {
  const folder = await cached(`cdk-nag-${CDK_NAG}`, (prefix) => {
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--legacy-peer-deps'];
    const args = ['install', ...flags, '--prefix', prefix, `cdk-nag@${CDK_NAG}`];
    return runStep(`getting cdk-nag ${CDK_NAG}`, 'npm', args, QUIET_ENV);
  });
  return folder && join(folder, 'node_modules', 'cdk-nag');
}

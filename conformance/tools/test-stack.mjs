// `npm run test:stack -- [VITEST OPTIONS]`: installs template linters and moto, and tests the templates and the
// deployed stack with them.
import { join } from 'node:path';
import { getAwsCli, getMoto, npmInstall, VENV_REMEDY } from './aws-tools.mjs';
import { cached, findOnPath, hasPython, installDebianPackages, makePythonEnvironment, runPip } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

const CFN_LINT = '1.58.0';
const CHECKOV = '3.3.30';
const CDK_NAG = '3.0.2';

await runSuite({
  folder: 'stack',
  // The CDK validates each app with rules of CloudFormation, which takes longer than the synthesis. cfn-lint checks the templates.
  env: { CDK_VALIDATION: 'false' },
  prepare: () => installDebianPackages(['shellcheck']),
  tools: [
    { name: 'linters', what: 'cfn-lint with checkov', get: getLinters, remedy: VENV_REMEDY },
    { name: 'cdkNag', what: 'cdk-nag', get: getCdkNag, remedy: 'It comes from npm.' },
    { name: 'moto', what: 'moto', get: getMoto, remedy: VENV_REMEDY },
    { name: 'awsCli', what: 'the AWS CLI', get: getAwsCli, remedy: VENV_REMEDY },
    {
      name: 'shellcheck',
      what: 'shellcheck',
      get: async () => findOnPath('shellcheck'),
      remedy: 'Debian: apt-get install shellcheck, as root.',
    },
  ],
});

/** Returns the path of the Python that has both. */
async function getLinters() {
  if (!hasPython()) return undefined;
  const folder = await cached(`lambda/cfn-lint-${CFN_LINT}-checkov-${CHECKOV}`, async (target) => {
    const python = await makePythonEnvironment(target);
    const wanted = [`cfn-lint==${CFN_LINT}`, `checkov==${CHECKOV}`];
    await runPip(`getting cfn-lint ${CFN_LINT} and checkov ${CHECKOV}`, python, 'install', ...wanted);
  });
  return folder && join(folder, 'bin', 'python');
}

/** Returns the path of the package. It uses the CDK of the construct. */
async function getCdkNag() {
  const folder = await cached(`lambda/cdk-nag-${CDK_NAG}`, (prefix) =>
    npmInstall(`getting cdk-nag ${CDK_NAG}`, prefix, `cdk-nag@${CDK_NAG}`),
  );
  return folder && join(folder, 'node_modules', 'cdk-nag');
}

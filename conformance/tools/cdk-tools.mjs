// The AWS CDK for each language, for the tests of integrations/jsii.
import { npmInstall, VENV_REMEDY } from './aws-tools.mjs';
import { cached, findOnPath, hasPython, makePythonEnvironment, runPip } from './get-tools.mjs';

/** Version of the AWS CDK that templates of different languages are compared with. npm, PyPI and Maven Central have it. */
const CDK = '2.263.0';
const CONSTRUCTS = '10.8.1';

/** @type {import('./run-suite.mjs').Tool[]} */
export const CDK_TOOLS = [
  { name: 'nodeCdk', what: `aws-cdk-lib ${CDK}`, get: getNodeCdk, remedy: 'It comes from npm.' },
  { name: 'pythonCdk', what: `aws-cdk-lib ${CDK} for Python`, get: getPythonCdk, remedy: VENV_REMEDY },
  { name: 'maven', what: 'Maven', get: async () => findOnPath('mvn'), remedy: 'Install Maven and JDK 11 or newer.' },
  { name: 'go', what: 'Go', get: async () => findOnPath('go'), remedy: 'Install Go 1.25 or newer.' },
];

/** Returns the folder that has `node_modules`. */
function getNodeCdk() {
  const wanted = [`aws-cdk-lib@${CDK}`, `constructs@${CONSTRUCTS}`];
  return cached(`integrations/node-cdk-${CDK}`, (prefix) => npmInstall(`getting aws-cdk-lib ${CDK}`, prefix, wanted));
}

/** Returns the folder of a Python environment that has the CDK. */
async function getPythonCdk() {
  if (!hasPython()) return undefined;
  return cached(`integrations/python-cdk-${CDK}`, async (target) => {
    const python = await makePythonEnvironment(target);
    await runPip(`getting aws-cdk-lib ${CDK} for Python`, python, 'install', `aws-cdk-lib==${CDK}`);
  });
}

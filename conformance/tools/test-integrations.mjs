// `npm run test:integrations -- [--all] [VITEST OPTIONS]`: runs the integrations of docs/integrations.md with the packed
// packages and with the real tools, as far as they run without an account. `--all` also uses what takes too long to build
// for each change.
import { join } from 'node:path';
import { runStep } from '../../scripts/run-step.mjs';
import { ROOT } from '../../scripts/setup.mjs';
import { npmInstall } from './aws-tools.mjs';
import { CDK_TOOLS } from './cdk-tools.mjs';
import { buildWithGo, cached, findOnPath, hasGo, installDebianPackages } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** Runs the jobs of a GitLab pipeline on this machine, and checks them with GitLab's schema. */
const GITLAB_CI_LOCAL = '4.75.1';
/** The version of the check "workflows". */
const ACTIONLINT = { name: 'actionlint', module: 'github.com/rhysd/actionlint/cmd/actionlint', version: 'v1.7.12' };
/** Runs GitHub workflows on this machine. Go needs two minutes of processor time to build it. */
const ACT = { name: 'act', module: 'github.com/nektos/act', version: 'v0.2.89' };
/** Evaluates the Terraform module. */
const EVALUATE = { name: 'evaluate', sources: 'conformance/integrations/terraform/evaluate' };
/** The version in go.mod. Go needs more than three minutes of processor time to build the rules. */
const TFLINT_RULES = 'v0.15.0';

const NEEDS_GO = 'Install Go (https://go.dev/dl).';

const all = process.argv.indexOf('--all');
if (all !== -1) process.argv.splice(all, 1);

await runSuite({
  folder: 'integrations',
  prepare: () => installDebianPackages(['rsync']),
  tools: [
    { name: 'gitlabCiLocal', what: 'gitlab-ci-local', get: getGitlabCiLocal, remedy: 'It comes from npm.' },
    { name: 'actionlint', what: 'actionlint', get: () => buildWithGo(ACTIONLINT), remedy: NEEDS_GO },
    {
      name: 'rsync',
      what: 'rsync',
      get: async () => findOnPath('rsync'),
      remedy: 'Debian: apt-get install rsync, as root.',
    },
    {
      name: 'evaluate',
      what: 'the evaluator of the Terraform module',
      get: () => buildWithGo(EVALUATE),
      remedy: NEEDS_GO,
    },
    {
      name: 'terraform',
      what: 'OpenTofu or Terraform',
      get: async () => findOnPath('tofu') ?? findOnPath('terraform'),
      remedy: 'Install one of them on PATH. The evaluator checks the module without it.',
    },
    ...CDK_TOOLS,
    ...(all === -1
      ? []
      : [
          { name: 'act', what: 'act', get: () => buildWithGo(ACT), remedy: NEEDS_GO },
          { name: 'tflintRules', what: 'the rules of tflint', get: getTflintRules, remedy: NEEDS_GO },
        ]),
  ],
});

/** Returns the path of its program, which the Node of the tests runs. */
async function getGitlabCiLocal() {
  const folder = await cached(`gitlab-ci-local-${GITLAB_CI_LOCAL}`, (prefix) =>
    npmInstall(`getting gitlab-ci-local ${GITLAB_CI_LOCAL}`, prefix, `gitlab-ci-local@${GITLAB_CI_LOCAL}`),
  );
  return folder && join(folder, 'node_modules', 'gitlab-ci-local', 'dist', 'index.js');
}

async function getTflintRules() {
  if (!hasGo()) return undefined;
  const sources = join(ROOT, 'conformance', 'integrations', 'terraform', 'lint');
  const folder = await cached(`tflint-rules-${TFLINT_RULES}`, (target) =>
    runStep('building the rules of tflint', 'go', ['test', '-C', sources, '-c', '-o', join(target, 'rules'), '.']),
  );
  return folder && join(folder, 'rules');
}

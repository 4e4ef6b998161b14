// `npm run test:integrations -- [VITEST OPTIONS]`: runs the integrations of docs/integrations.md with the packed packages
// and with the real tools, as far as they run without an account.
import { join } from 'node:path';
import { runStep } from '../../scripts/run-step.mjs';
import { npmInstall } from './aws-tools.mjs';
import { cached, hasGo } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** Runs the jobs of a GitLab pipeline on this machine, and checks them with GitLab's schema. */
const GITLAB_CI_LOCAL = '4.75.1';
/** The version of the check "workflows". */
const ACTIONLINT = 'v1.7.12';

await runSuite({
  folder: 'integrations',
  tools: [
    { name: 'gitlabCiLocal', what: 'gitlab-ci-local', get: getGitlabCiLocal, remedy: 'It comes from npm.' },
    { name: 'actionlint', what: 'actionlint', get: getActionlint, remedy: 'Install Go (https://go.dev/dl).' },
  ],
});

/** Returns the path of its program, which the Node of the tests runs. */
async function getGitlabCiLocal() {
  const folder = await cached(`gitlab-ci-local-${GITLAB_CI_LOCAL}`, (prefix) =>
    npmInstall(`getting gitlab-ci-local ${GITLAB_CI_LOCAL}`, prefix, `gitlab-ci-local@${GITLAB_CI_LOCAL}`),
  );
  return folder && join(folder, 'node_modules', 'gitlab-ci-local', 'dist', 'index.js');
}

async function getActionlint() {
  if (!hasGo()) return undefined;
  const folder = await cached(`actionlint-${ACTIONLINT}`, async (target) => {
    const module = `github.com/rhysd/actionlint/cmd/actionlint@${ACTIONLINT}`;
    await runStep(`building actionlint ${ACTIONLINT}`, 'go', ['install', module], { ...process.env, GOBIN: target });
  });
  return folder && join(folder, 'actionlint');
}

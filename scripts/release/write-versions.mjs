// Writes versions to the files that name them: that of @soci/index into its sources, which put it into indexes, that of
// @soci/construct into the examples, and that of @soci/cli into what runs it in CI. `npm run release:version` runs it after
// changesets.
import { readFileSync, writeFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const versionOf = (name) => JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, ROOT), 'utf8')).version;

replace('packages/index/src/version.ts', /'[^']*';$/m, `'${versionOf('index')}';`);
replace('examples/cdk-app/package.json', /("@soci\/construct": )"[^"]*"/, `$1"^${versionOf('construct')}"`);
replace(
  'examples/cdk-app-python/requirements.txt',
  /^soci-construct~=.*$/m,
  `soci-construct~=${versionOf('construct')}`,
);
replace('examples/cdk-app-java/pom.xml', /(<soci.version>)[^<]*/, `$1${versionOf('construct')}`);

for (const path of [
  'docs/ci.md',
  'apps/github-action/action.yml',
  'apps/gitlab-component/templates/soci-index.yml',
  'apps/codebuild/buildspec.yml',
]) {
  replace(path, /(@soci\/cli)@\d[\w.-]*/g, `$1@${versionOf('cli')}`);
}

function replace(path, pattern, text) {
  const file = new URL(path, ROOT);
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, text));
}

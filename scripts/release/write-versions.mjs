// Writes versions to the files that name them: that of @soci/index into its sources, which put it into indexes, and that of
// @soci/construct into the example. `npm run release:version` runs it after changesets.
import { readFileSync, writeFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const versionOf = (name) => JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, ROOT), 'utf8')).version;

replace('packages/index/src/version.ts', /'[^']*';$/m, `'${versionOf('index')}';`);
replace('examples/cdk-app/package.json', /("@soci\/construct": )"[^"]*"/, `$1"^${versionOf('construct')}"`);

function replace(path, pattern, text) {
  const file = new URL(path, ROOT);
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, text));
}

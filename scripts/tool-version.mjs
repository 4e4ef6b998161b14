// Writes the version of @soci/index to its sources, which record it in every index.
import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../packages/index/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
const file = new URL('src/version.ts', folder);
writeFileSync(file, readFileSync(file, 'utf8').replace(/'[^']*';$/m, `'${version}';`));

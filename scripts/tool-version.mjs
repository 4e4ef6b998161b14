// Writes the version of @soci/index into its sources: it is part of what they make.
import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../packages/index/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
const place = new URL('src/version.ts', folder);
writeFileSync(place, readFileSync(place, 'utf8').replace(/'[^']*';$/m, `'${version}';`));

// Every published package has a released version or a changeset that will give it one, and every changeset is sound.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from '../report.ts';
import { listFiles, publishedPackages, ROOT } from '../workspace/packages.ts';

const published = publishedPackages();
const names = new Set(published.map(({ name }) => name));
const changesets = listFiles('.changeset', ['.md'])
  .filter((path) => !path.endsWith('README.md'))
  .map((path) => ({ path, ...parseChangeset(readFileSync(join(ROOT, path), 'utf8')) }));

const problems = changesets.flatMap(({ path, bumps, summary }) => [
  ...[...bumps.keys()]
    .filter((name) => !names.has(name))
    .map((name) => `${path} names ${name}, which is not published`),
  ...(bumps.size === 0 ? [`${path} names no package`] : []),
  ...(summary === '' ? [`${path} says nothing to the reader of a changelog`] : []),
]);
for (const { name, folder, manifest } of published) {
  const isReleased = manifest.version !== '0.0.0' && existsSync(join(ROOT, folder, 'CHANGELOG.md'));
  if (!isReleased && !changesets.some(({ bumps }) => bumps.has(name))) {
    problems.push(`${name} has neither a release nor a changeset: run \`pnpm changeset\``);
  }
}
report(`changesets, ${changesets.length} waiting`, problems);

/** The packages and their bumps from a changeset's front matter, and the text below it. */
function parseChangeset(text: string): { bumps: Map<string, string>; summary: string } {
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(text) ?? [];
  const lines = [...head.matchAll(/^['"]?(@?[\w./-]+)['"]?:\s*(patch|minor|major)$/gm)];
  return { bumps: new Map(lines.map(([, name, bump]) => [name as string, bump as string])), summary: body.trim() };
}

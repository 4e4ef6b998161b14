// Public API: documented in the source, and recorded in API.md, so that a review shows each change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeApiSnapshot } from '../workspace/api-snapshot.ts';
import { type Declaration, declarationsIn, exportedDeclarations, type Member } from '../workspace/declarations.ts';
import { buildPackages, type Finding, listFiles, publishedPackages, ROOT } from '../workspace/packages.ts';

/** Options that need no `@default`, because their absence is obvious. */
const NEEDS_NO_DEFAULT = /^(signal|cause|on[A-Z].*)$/;

/**
 * Checks that each export is documented, and of its members each method, each number (with unit and range) and each option (with
 * its default).
 */
export function documentation(): Finding[] {
  const packages = publishedPackages().filter(({ entries }) => entries.length > 0);
  return packages.map(({ name, folder, entries }) => {
    const files = listFiles(`${folder}/src`, ['.ts']).filter((path) => !path.includes('/assembly/'));
    const interfaces = files.flatMap((path) => declarationsIn(path)).filter(({ isInterface }) => isInterface);
    const interfaceMembers = new Set(interfaces.flatMap(({ members }) => members.map((member) => member.name)));
    const exported = entries.flatMap(exportedDeclarations);
    const documented = new Set(exported.filter(({ doc }) => doc !== null).map((declaration) => declaration.name));
    const problems = exported.flatMap((declaration) => [
      ...(documented.has(declaration.name) ? [] : [`${declaration.path}: ${declaration.name} is not documented`]),
      ...declaration.members
        .filter((member) => !(declaration.isImplementation && interfaceMembers.has(member.name)))
        .flatMap((member) => problemOf(member, declaration) ?? [])
        .map((problem) => `${declaration.path}: ${declaration.name}.${problem}`),
    ]);
    return { subject: `documentation of ${name}`, problems: [...new Set(problems)] };
  });
}

/** The comment of the owner also documents a member if it names it: "`length` bytes from `offset`". */
function problemOf({ name, doc, isOptional, isMethod, isNumber }: Member, owner: Declaration): string | null {
  const isOption = /(?<!Error)(Options|Limits)$/.test(owner.name);
  const isDocumented = doc !== null || owner.doc?.includes(`\`${name}\``) === true;
  if (!isDocumented && (isMethod || isNumber || isOption)) return `${name} is not documented`;
  const isDefaultKnown = !isOption || !isOptional || NEEDS_NO_DEFAULT.test(name) || doc?.includes('@default');
  return isDefaultKnown ? null : `${name} is optional and has no @default`;
}

/** Checks that each API.md matches the build, or writes it with `update`. The check `jsii` covers the construct. */
export function api(update: boolean): Finding[] {
  buildPackages();
  const packages = publishedPackages().filter(({ name, manifest }) => name !== '@soci/construct' && manifest.exports);
  return packages.flatMap((unit) => {
    const snapshot = writeApiSnapshot(unit);
    if (!snapshot.includes('\n## ')) return [];
    return [keepCurrent(join(unit.folder, 'API.md'), snapshot, update)];
  });
}

/** Compares a file with its expected content, or writes that content with `update`. */
export function keepCurrent(file: string, content: string, update: boolean): Finding {
  const path = join(ROOT, file);
  const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === content;
  if (!isCurrent && update) writeFileSync(path, content);
  const problems = isCurrent || update ? [] : ['does not match the sources. Run "npm run api" and review the change.'];
  return { subject: file, problems };
}

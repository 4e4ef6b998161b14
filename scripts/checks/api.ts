// What a package offers: documented where it is declared, and recorded in its API.md, where a review sees each change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeApiSnapshot } from '../workspace/api-snapshot.ts';
import { type Declaration, declarationsBehind, declarationsIn, type Member } from '../workspace/declarations.ts';
import { buildPackages, type Finding, listFiles, publishedPackages, ROOT } from '../workspace/packages.ts';

/** Options whose absence needs no word. */
const NEEDS_NO_DEFAULT = /^(signal|cause|on[A-Z].*)$/;

/**
 * Each export is documented; of its members, every method, every number (it has a unit and a range) and every option, with what
 * happens without it.
 */
export function documentation(): Finding[] {
  const offering = publishedPackages().filter(({ entries }) => entries.length > 0);
  return offering.map(({ name, folder, entries }) => {
    const files = listFiles(`${folder}/src`, ['.ts']).filter((path) => !path.includes('/assembly/'));
    const interfaces = files.flatMap((path) => declarationsIn(path)).filter(({ isInterface }) => isInterface);
    const promised = new Set(interfaces.flatMap(({ members }) => members.map((member) => member.name)));
    const offered = entries.flatMap(declarationsBehind);
    const described = new Set(offered.filter(({ doc }) => doc !== null).map((declaration) => declaration.name));
    const problems = offered.flatMap((declaration) => [
      ...(described.has(declaration.name) ? [] : [`${declaration.path}: ${declaration.name} is not documented`]),
      ...declaration.members
        .filter((member) => !(declaration.isImplementation && promised.has(member.name)))
        .flatMap((member) => problemOf(member, declaration) ?? [])
        .map((problem) => `${declaration.path}: ${declaration.name}.${problem}`),
    ]);
    return { subject: `documentation of ${name}`, problems: [...new Set(problems)] };
  });
}

/** A member may also be described by its owner, which then names it: "`length` bytes from `offset`". */
function problemOf({ name, doc, isOptional, isMethod, isNumber }: Member, owner: Declaration): string | null {
  const isOption = /(?<!Error)(Options|Limits)$/.test(owner.name);
  const isDescribed = doc !== null || owner.doc?.includes(`\`${name}\``) === true;
  if (!isDescribed && (isMethod || isNumber || isOption)) return `${name} is not documented`;
  const isDefaultKnown = !isOption || !isOptional || NEEDS_NO_DEFAULT.test(name) || doc?.includes('@default');
  return isDefaultKnown ? null : `${name} is optional and says no @default`;
}

/** The API.md of each package is what its build declares; with `update` it is written. That of the construct jsii makes. */
export function api(update: boolean): Finding[] {
  buildPackages();
  const offering = publishedPackages().filter(({ name, manifest }) => name !== '@soci/construct' && manifest.exports);
  return offering.flatMap((unit) => {
    const snapshot = writeApiSnapshot(unit);
    if (!snapshot.includes('\n## ')) return [];
    return [keepCurrent(join(unit.folder, 'API.md'), snapshot, update)];
  });
}

/** Compares a file with what it should hold, or writes that. */
export function keepCurrent(file: string, content: string, update: boolean): Finding {
  const path = join(ROOT, file);
  const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === content;
  if (!isCurrent && update) writeFileSync(path, content);
  const problems =
    isCurrent || update ? [] : ['it is not what the sources declare: run `npm run api`, and review the change'];
  return { subject: file, problems };
}

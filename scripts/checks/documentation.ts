// Whatever a package offers is documented where it is declared: each export; of its members, every method, every number
// (it has a unit and a range) and every option, with what happens without it.
import { report } from '../report.ts';
import { type Declaration, declarationsBehind, declarationsIn, type Member } from '../workspace/declarations.ts';
import { listFiles, publishedPackages } from '../workspace/packages.ts';

/** Options whose absence needs no word. */
const NEEDS_NO_DEFAULT = /^(signal|cause|on[A-Z].*)$/;

for (const unit of publishedPackages()) {
  const files = listFiles(`${unit.folder}/src`, ['.ts']).filter((path) => !path.includes('/assembly/'));
  const interfaces = files.flatMap((path) => declarationsIn(path)).filter(({ isInterface }) => isInterface);
  const promised = new Set(interfaces.flatMap(({ members }) => members.map(({ name }) => name)));
  const offered = unit.entries.flatMap(declarationsBehind);
  const described = new Set(offered.filter(({ doc }) => doc !== null).map(({ name }) => name));
  const problems = offered.flatMap((declaration) => [
    ...(described.has(declaration.name) ? [] : [`${declaration.path}: ${declaration.name} is not documented`]),
    ...declaration.members
      .filter(({ name }) => !(declaration.isImplementation && promised.has(name)))
      .flatMap((member) => problemOf(member, declaration) ?? [])
      .map((problem) => `${declaration.path}: ${declaration.name}.${problem}`),
  ]);
  if (unit.entries.length > 0) report(`documentation of ${unit.name}`, [...new Set(problems)]);
}

/** A member may also be described by its owner, which then names it: "`length` bytes from `offset`". */
function problemOf({ name, doc, isOptional, isMethod, isNumber }: Member, owner: Declaration): string | null {
  const isOption = /(?<!Error)(Options|Limits)$/.test(owner.name);
  const isDescribed = doc !== null || owner.doc?.includes(`\`${name}\``) === true;
  if (!isDescribed && (isMethod || isNumber || isOption)) return `${name} is not documented`;
  const isDefaultKnown = !isOption || !isOptional || NEEDS_NO_DEFAULT.test(name) || doc?.includes('@default');
  return isDefaultKnown ? null : `${name} is optional and says no @default`;
}

// Whatever a package offers is documented where it is declared: each export, its members, each option's default.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { report } from '../report.ts';
import { listFiles, publishedPackages, ROOT } from '../workspace/packages.ts';
import { resolveRelative } from '../workspace/source-file.ts';

/** The parts of a syntax tree's node that are read here; ESTree with its TypeScript extension. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** A parsed file. */
interface Parsed {
  readonly body: readonly Node[];
  /** The documentation comment that ends right before an offset, or null. */
  docAt(offset: number): string | null;
}

/** Optional, but with nothing to say of what happens without them. */
const NEEDS_NO_DEFAULT = /^(signal|on[A-Z].*)$/;

const parsed = new Map<string, Parsed>();
/** The members of the package's interfaces: a class that implements some need not say again what they are. */
let documentedElsewhere: ReadonlySet<string> = new Set();

for (const unit of publishedPackages()) {
  documentedElsewhere = interfaceMembers(
    listFiles(`${unit.folder}/src`, ['.ts']).filter((path) => !path.includes('/assembly/')),
  );
  const problems = unit.entries.flatMap((entry) => reExports(entry).flatMap(([name, path]) => problemsOf(name, path)));
  if (unit.entries.length > 0) report(`documentation of ${unit.name}`, [...new Set(problems)]);
}

function problemsOf(name: string, path: string): string[] {
  const { body, docAt } = parse(path);
  const found = body.filter((node) => node.type === 'ExportNamedDeclaration' && declaredName(node) === name);
  if (found.length === 0) {
    const onward = reExports(path).find(([exported]) => exported === name);
    return onward ? problemsOf(name, onward[1]) : [`${path}: the declaration of ${name} was not found`];
  }
  const problems = found.some((node) => docAt(node.start) !== null) ? [] : [`${path}: ${name} is not documented`];
  for (const member of found.flatMap(membersOf)) {
    const doc = docAt(member.start);
    const label = `${path}: ${name}.${keyName(member)}`;
    const isOption =
      member.optional === true && /(Options|Limits)$/.test(name) && !NEEDS_NO_DEFAULT.test(keyName(member));
    if (doc === null) problems.push(`${label} is not documented`);
    else if (isOption && !doc.includes('@default')) problems.push(`${label} is optional and says no @default`);
  }
  return problems;
}

/** The names that a file re-exports, each with the file it takes it from. */
function reExports(path: string): [name: string, from: string][] {
  return parse(path).body.flatMap((node) => {
    const target = (node.source as { value: string } | null | undefined)?.value;
    const from = target === undefined ? null : resolveRelative(path, target);
    if (from === null) return [];
    return ((node.specifiers ?? []) as { local: { name: string } }[]).map(({ local }): [string, string] => [
      local.name,
      from,
    ]);
  });
}

/** What of an interface or a class a caller sees, without what has its documentation where it is inherited from. */
function membersOf(statement: Node): Node[] {
  const declaration = statement.declaration as Node & { body?: { body: Node[] }; implements?: unknown[] };
  if (declaration.type !== 'TSInterfaceDeclaration' && declaration.type !== 'ClassDeclaration') return [];
  const named = (declaration.body?.body ?? []).filter((member) => !['', 'constructor'].includes(keyName(member)));
  const inherits = (declaration.implements?.length ?? 0) > 0;
  return named.filter((member) => member.override !== true && !(inherits && documentedElsewhere.has(keyName(member))));
}

function interfaceMembers(paths: readonly string[]): Set<string> {
  const statements = paths.flatMap((path) => parse(path).body).filter((node) => node.type === 'ExportNamedDeclaration');
  const interfaces = statements.filter((node) => (node.declaration as Node | null)?.type === 'TSInterfaceDeclaration');
  return new Set(interfaces.flatMap(membersOf).map(keyName));
}

/** A member's name; '' for a private one, an index signature or a computed key. */
function keyName(member: Node): string {
  const key = member.key as { type: string; name?: string } | undefined;
  return key?.type === 'Identifier' ? (key.name ?? '') : '';
}

function declaredName(statement: Node): string | null {
  const declaration = statement.declaration as {
    id?: { name: string };
    declarations?: { id: { name: string } }[];
  } | null;
  return declaration?.id?.name ?? declaration?.declarations?.[0]?.id.name ?? null;
}

function parse(path: string): Parsed {
  const known = parsed.get(path);
  if (known) return known;
  const text = readFileSync(join(ROOT, path), 'utf8');
  const { program, comments } = parseSync(path, text, { astType: 'ts' });
  const docs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const docAt = (offset: number): string | null =>
    docs.find(({ end }) => end <= offset && text.slice(end, offset).trim() === '')?.value ?? null;
  const result = { body: program.body as unknown as Node[], docAt };
  parsed.set(path, result);
  return result;
}

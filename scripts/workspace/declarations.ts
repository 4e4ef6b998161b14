import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { ROOT } from './packages.ts';
import { resolveRelative } from './source-file.ts';

/** A property or method of an exported interface or class, as its callers see it. */
export interface Member {
  readonly name: string;
  /** The text of its documentation comment, or null. */
  readonly doc: string | null;
  readonly isOptional: boolean;
  readonly isMethod: boolean;
  /** Whether it is declared a plain `number` or `bigint`, which has a unit and a range. */
  readonly isNumber: boolean;
}

/** Something that a file declares and exports. */
export interface Declaration {
  readonly name: string;
  /** The file, relative to the repository. */
  readonly path: string;
  readonly doc: string | null;
  readonly isInterface: boolean;
  /** Whether it is a class that implements an interface, where its members have their documentation. */
  readonly isImplementation: boolean;
  readonly members: readonly Member[];
}

/** The parts of a syntax tree's node that are read here: ESTree with its TypeScript extension. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly id?: { readonly name: string } | null;
  readonly key?: { readonly type: string; readonly name?: string };
  readonly source?: { readonly value: string } | null;
  readonly declaration?: Node | null;
  readonly declarations?: readonly { readonly id: { readonly name: string } }[];
  readonly specifiers?: readonly { readonly local: { readonly name: string } }[];
  readonly body?: { readonly body: readonly Node[] };
  readonly implements?: readonly unknown[];
  readonly optional?: boolean;
  readonly override?: boolean;
  readonly typeAnnotation?: { readonly typeAnnotation: { readonly type: string } } | null;
}

/** What a file exports: its own declarations, and the names that it takes from another file of its package. */
interface FileExports {
  readonly declarations: readonly Declaration[];
  readonly forwarded: ReadonlyMap<string, string>;
}

const known = new Map<string, FileExports>();

/** The declarations behind the names that an entry exports, wherever they stand. An overloaded name has several. */
export function declarationsBehind(entry: string): Declaration[] {
  const { declarations, forwarded } = readExports(entry);
  return [...declarations, ...[...forwarded].flatMap(([name, path]) => find(name, path))];
}

/** What a file itself declares and exports. */
export function declarationsIn(path: string): readonly Declaration[] {
  return readExports(path).declarations;
}

function find(name: string, path: string): Declaration[] {
  const { declarations, forwarded } = readExports(path);
  const found = declarations.filter((declaration) => declaration.name === name);
  const onward = forwarded.get(name);
  if (found.length > 0) return found;
  if (onward === undefined) throw new Error(`${path}: the declaration of ${name} was not found`);
  return find(name, onward);
}

function readExports(path: string): FileExports {
  const exports = known.get(path) ?? parseExports(path, readFileSync(join(ROOT, path), 'utf8'));
  known.set(path, exports);
  return exports;
}

/** Parses `text` as the file `path`. */
export function parseExports(path: string, text: string): FileExports {
  const { program, comments } = parseSync(path, text, { astType: 'ts' });
  const docs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const docAt = (offset: number): string | null =>
    docs.find(({ end }) => end <= offset && text.slice(end, offset).trim() === '')?.value ?? null;
  const statements = (program.body as unknown as Node[]).filter(({ type }) => type === 'ExportNamedDeclaration');
  const forwarded = new Map<string, string>();
  const declarations: Declaration[] = [];
  for (const { start, declaration, source, specifiers = [] } of statements) {
    const from = source ? resolveRelative(path, source.value) : null;
    if (from !== null) for (const { local } of specifiers) forwarded.set(local.name, from);
    const name = declaration?.id?.name ?? declaration?.declarations?.[0]?.id.name;
    if (!declaration || name === undefined) continue;
    declarations.push({
      name,
      path,
      doc: docAt(start),
      isInterface: declaration.type === 'TSInterfaceDeclaration',
      isImplementation: (declaration.implements ?? []).length > 0,
      members: membersOf(declaration).map((member) => toMember(member, docAt(member.start))),
    });
  }
  return { declarations, forwarded };
}

/** The named, public members: not constructors, private names and computed keys, nor what overrides an inherited one. */
function membersOf({ type, body }: Node): Node[] {
  if (type !== 'TSInterfaceDeclaration' && type !== 'ClassDeclaration') return [];
  return (body?.body ?? []).filter(
    ({ key, override }) => key?.type === 'Identifier' && key.name !== 'constructor' && override !== true,
  );
}

function toMember({ type, key, optional, typeAnnotation }: Node, doc: string | null): Member {
  const declared = typeAnnotation?.typeAnnotation.type;
  return {
    name: key?.name ?? '',
    doc,
    isOptional: optional === true,
    isMethod: type === 'TSMethodSignature' || type === 'MethodDefinition',
    isNumber: declared === 'TSNumberKeyword' || declared === 'TSBigIntKeyword',
  };
}

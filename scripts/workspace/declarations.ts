import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { ROOT } from './packages.ts';
import { resolveRelative } from './source-file.ts';

/** A public property or method of an exported interface or class. */
export interface Member {
  readonly name: string;
  /** Text of the documentation comment, or null. */
  readonly doc: string | null;
  readonly isOptional: boolean;
  readonly isMethod: boolean;
  /** Whether the type is `number` or `bigint`, so that the documentation must give unit and range. */
  readonly isNumber: boolean;
}

/** An exported declaration of a file. */
export interface Declaration {
  readonly name: string;
  /** Path of the file, relative to the repository. */
  readonly path: string;
  readonly doc: string | null;
  readonly isInterface: boolean;
  /** Whether it is a class that implements an interface, which documents its members. */
  readonly isImplementation: boolean;
  readonly members: readonly Member[];
}

/** The parts of a syntax tree node (ESTree with the TypeScript extension) that this file reads. */
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

/** Exports of a file: declarations, and names re-exported from other files of the package. */
interface FileExports {
  readonly declarations: readonly Declaration[];
  readonly forwarded: ReadonlyMap<string, string>;
}

const cache = new Map<string, FileExports>();

/** Returns the declarations of all names that an entry exports. An overloaded name has several. */
export function exportedDeclarations(entry: string): Declaration[] {
  const { declarations, forwarded } = readExports(entry);
  return [...declarations, ...[...forwarded].flatMap(([name, path]) => find(name, path))];
}

/** Returns the exported declarations of a file, without re-exports. */
export function declarationsIn(path: string): readonly Declaration[] {
  return readExports(path).declarations;
}

function find(name: string, path: string): Declaration[] {
  const { declarations, forwarded } = readExports(path);
  const found = declarations.filter((declaration) => declaration.name === name);
  const origin = forwarded.get(name);
  if (found.length > 0) return found;
  if (origin === undefined) throw new Error(`${path}: no declaration of ${name}`);
  return find(name, origin);
}

function readExports(path: string): FileExports {
  const exports = cache.get(path) ?? parseExports(path, readFileSync(join(ROOT, path), 'utf8'));
  cache.set(path, exports);
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

/** Returns the named public members, without constructors, private names, computed keys and overrides. */
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

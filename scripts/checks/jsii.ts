// jsii can export the construct's API to other languages: it compiles a copy of the sources. packages/construct/API.md is written from
// the assembly that jsii produces.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONSTRUCT, compileAssembly } from '../jsii/assembly.ts';
import { type Finding, makeTemporaryFolder, readManifest } from '../workspace/packages.ts';
import { keepCurrent } from './api.ts';

/** Checks that jsii compiles the construct and that its API.md matches, or writes API.md with `update`. */
export function jsii(update: boolean): Finding[] {
  const folder = makeTemporaryFolder('jsii');
  cpSync(join(CONSTRUCT, 'README.md'), join(folder, 'README.md'));
  const subject = 'API of @soci/construct by jsii';
  try {
    compileAssembly(folder, readManifest(CONSTRUCT));
  } catch (error) {
    return [{ subject, problems: [(error as Error).message] }];
  }
  const assembly = JSON.parse(readFileSync(join(folder, '.jsii'), 'utf8')) as Assembly;
  const reference = writeApiReference(assembly, '@soci/construct');
  return [{ subject, problems: [] }, keepCurrent('packages/construct/API.md', reference, update)];
}

/** The parts of a jsii assembly that this file reads. @see aws/jsii, @jsii/spec */
interface Assembly {
  readonly types: Readonly<Record<string, ApiType>>;
}

interface Docs {
  readonly summary?: string;
  readonly remarks?: string;
  readonly default?: string;
}

interface TypeReference {
  readonly primitive?: string;
  readonly fqn?: string;
  readonly collection?: { readonly kind: 'array' | 'map'; readonly elementtype: TypeReference };
}

interface Parameter {
  readonly name: string;
  readonly type: TypeReference;
  readonly optional?: boolean;
}

interface Property extends Parameter {
  readonly docs?: Docs;
  readonly static?: boolean;
  readonly protected?: boolean;
}

interface Method extends Pick<Property, 'name' | 'docs' | 'static' | 'protected'> {
  readonly parameters?: readonly Parameter[];
  readonly returns?: { readonly type: TypeReference };
}

interface ApiType {
  readonly kind: 'class' | 'interface' | 'enum';
  readonly name: string;
  readonly docs?: Docs;
  readonly interfaces?: readonly string[];
  readonly initializer?: { readonly parameters?: readonly Parameter[] };
  readonly properties?: readonly Property[];
  readonly methods?: readonly Method[];
}

/** Formats the API reference of a package as Markdown: classes, then other types, each in the order of the assembly. */
function writeApiReference({ types }: Assembly, packageName: string): string {
  const all = Object.values(types);
  const ordered = [...all.filter(({ kind }) => kind === 'class'), ...all.filter(({ kind }) => kind !== 'class')];
  const contents = ordered.map(({ name }) => `- [${name}](#${name.toLowerCase()})`);
  const head = `# API of ${packageName}\n\nGenerated from the sources by \`npm run api\`: change them, not this file.\n\n${contents.join('\n')}\n`;
  return [head, ...ordered.map((type) => writeType(type, types))].join('\n');
}

function writeType(type: ApiType, types: Assembly['types']): string {
  const { name, docs, initializer, properties = [], methods = [] } = type;
  const parts = [`## ${name}`, prose(docs)];
  if (initializer?.parameters !== undefined) {
    parts.push(`\`\`\`ts\nnew ${name}(${initializer.parameters.map(parameter).join(', ')})\n\`\`\``);
  }
  const shown = [...properties, ...(type.kind === 'interface' ? inheritedOf(type, types) : [])];
  const isPublic = (member: { readonly protected?: boolean }) => !member.protected;
  const publicProperties = shown.filter(isPublic);
  if (publicProperties.length > 0) parts.push(table(publicProperties, type.kind === 'interface'));
  for (const method of methods.filter(isPublic)) parts.push(writeMethod(method));
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function inheritedOf({ interfaces = [] }: ApiType, types: Assembly['types']): readonly Property[] {
  const bases = interfaces.flatMap((fqn) => types[fqn] ?? []);
  return bases.flatMap((base) => [...(base.properties ?? []), ...inheritedOf(base, types)]);
}

function table(properties: readonly Property[], hasDefaults: boolean): string {
  const rows = properties.map(({ name, type, docs, optional, static: isStatic }) => {
    const cells = [
      `\`${isStatic ? 'static ' : ''}${name}${optional ? '?' : ''}\``,
      `\`${typeName(type)}\``,
      prose(docs).replaceAll('\n\n', ' '),
    ];
    return hasDefaults ? [...cells, (docs?.default ?? '').replace(/^- /, '')] : cells;
  });
  const titles = ['property', 'type', 'description', ...(hasDefaults ? ['default'] : [])];
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(titles), `|${'---|'.repeat(titles.length)}`, ...rows.map(line)].join('\n');
}

function writeMethod({ name, docs, parameters = [], returns, static: isStatic }: Method): string {
  const result = returns === undefined ? 'void' : typeName(returns.type);
  const signature = `${isStatic ? 'static ' : ''}${name}(${parameters.map(parameter).join(', ')}): ${result}`;
  return [`### ${name}`, `\`\`\`ts\n${signature}\n\`\`\``, prose(docs)].filter((part) => part !== '').join('\n\n');
}

function parameter({ name, type, optional }: Parameter): string {
  return `${name}${optional ? '?' : ''}: ${typeName(type)}`;
}

function prose({ summary = '', remarks = '' }: Docs = {}): string {
  return [summary, remarks].filter((text) => text !== '').join('\n\n');
}

/** Formats a type without module names, such as `IRepository[]`. */
function typeName({ primitive, fqn, collection }: TypeReference): string {
  if (collection !== undefined) {
    const element = typeName(collection.elementtype);
    return collection.kind === 'array' ? `${element}[]` : `{ [name: string]: ${element} }`;
  }
  return primitive ?? fqn?.split('.').at(-1) ?? 'any';
}

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { plainTemplate } from './plain-template.ts';

const ROOT = new URL('../../../', import.meta.url);
const GUIDE = readFileSync(new URL('docs/deployment.md', ROOT), 'utf8');
const PERMISSIONS = new URL('conformance/stack/predeployment/generated-names/', ROOT);

interface Policy {
  readonly Statement: readonly object[];
}

it('the guide has every parameter of the template, with its default', () => {
  const { Parameters } = plainTemplate() as {
    readonly Parameters: Record<string, { readonly Default?: string | number }>;
  };
  const rows = [...GUIDE.matchAll(/^\| `(\w+)` \|.*\| (?:`([^`|]*)`|([^|]*)) \|$/gm)];
  const told = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  expect(Object.keys(told).sort()).toEqual(Object.keys(Parameters).sort());
  for (const [name, { Default }] of Object.entries(Parameters)) {
    if (Default) expect([name, told[name]]).toEqual([name, String(Default)]);
  }
});

it('the permissions of the guide are those that are held against the template', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(GUIDE) ?? [];
  const told = (JSON.parse(json) as Policy).Statement;
  const held = readdirSync(PERMISSIONS).flatMap(
    (file) => (JSON.parse(readFileSync(new URL(file, PERMISSIONS), 'utf8')) as Policy).Statement,
  );
  expect(told).toHaveLength(held.length);
  expect(told).toEqual(expect.arrayContaining(held));
});

it('the guide names every rule of a linter that something stands against', () => {
  const file = new URL('conformance/stack/linters/suppressions.json', ROOT);
  const rules = (JSON.parse(readFileSync(file, 'utf8')) as { readonly rule: string }[]).map(({ rule }) => rule);
  const [, section = ''] = /## What linters say\n([\s\S]*?)\n## /.exec(GUIDE) ?? [];
  const told = new Set([...section.matchAll(/`((?:CKV_|AwsSolutions-)\w+)`/g)].map(([, rule]) => rule));
  expect(told).toEqual(new Set(rules.map((rule) => rule.replace(/\[.*/, ''))));
});

it('the guide tells of lines that the functions write, and of reasons that there are', () => {
  const code = ['packages/functions/src/', 'packages/filter/src/', 'packages/index/src/publish/']
    .map(readSources)
    .join('');
  const [, section = ''] = /## When something is wrong\n([\s\S]*?)\n## /.exec(GUIDE) ?? [];
  const cells = [...section.matchAll(/^\| (.*?) \| .* \| .* \|$/gm)].map(([, cell = '']) => cell);
  const lines = cells.filter((cell) => !cell.endsWith('_of AWS_')).flatMap((cell) => /^`([^`]+)/.exec(cell)?.[1] ?? []);
  expect(lines.length).toBeGreaterThan(10);
  const reasons = lines.flatMap((line) => /\(([a-z-]+)\)$/.exec(line)?.[1] ?? []);
  expect(reasons.length).toBeGreaterThan(5);
  expect(reasons.filter((reason) => !code.includes(`'${reason}'`))).toEqual([]);
  // What stands in the middle of a line is told at run time.
  const pieces = lines.flatMap((line) => line.split(/ \.\.\. |: !.*|[a-z-]+\)$/));
  expect(pieces.filter((piece) => !code.includes(piece))).toEqual([]);
});

it('the stack of the examples has a name that leaves room for those of functions and roles', () => {
  const names = [...GUIDE.matchAll(/(?:--stack-name |stackName=)([\w-]+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(2);
  expect(names.filter((name) => name.length > 11)).toEqual([]);
});

it('the guide names contexts that the app reads', () => {
  const app = readFileSync(new URL('apps/stack/src/stack-of-context.ts', ROOT), 'utf8');
  const told = new Set([...GUIDE.matchAll(/-c (\w+)/g)].map(([, name]) => name));
  const read = new Set([...app.matchAll(/readText\(app\.node, '(\w+)'\)/g)].map(([, name]) => name));
  expect(told).toEqual(read);
});

it('what the guide deletes is known by what is written', () => {
  const vocabulary = readFileSync(new URL('packages/index/src/vocabulary.ts', ROOT), 'utf8');
  const [, section = ''] = /## Taking it down\n([\s\S]*?)\n## /.exec(GUIDE) ?? [];
  const marks = [...section.matchAll(/["'](application\/vnd\.amazon\.[^"']+|com\.amazon\.soci\.[^"']+)["']/g)];
  const told = new Set(marks.map(([, mark]) => mark));
  expect(told.size).toBe(3);
  expect([...told].filter((mark) => !vocabulary.includes(`'${mark}'`))).toEqual([]);
});

/** What a folder's programs say, without their tests. */
function readSources(folder: string): string {
  const url = new URL(folder, ROOT);
  const files = readdirSync(url, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  return sources.map((path) => readFileSync(new URL(path, url), 'utf8')).join('');
}

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { plainTemplate } from './plain-template.ts';
import { CONTEXT_VALUES } from './stack-from-context.ts';

const ROOT = new URL('../../../', import.meta.url);
const GUIDE = readFileSync(new URL('docs/deployment.md', ROOT), 'utf8');
const PERMISSIONS = new URL('conformance/stack/predeployment/generated-names/', ROOT);

interface Policy {
  readonly Statement: readonly object[];
}

/** Returns a second-level section of the guide, up to the next heading of level 2 or deeper. */
function sectionOf(title: string): string {
  const [, section = ''] = new RegExp(`\\n## ${title}\\n([\\s\\S]*?)\\n##`).exec(GUIDE) ?? [];
  return section;
}

it('the guide lists every template parameter with its default', () => {
  const { Parameters } = plainTemplate() as {
    readonly Parameters: Record<string, { readonly Default?: string | number }>;
  };
  const section = sectionOf('Deploy with CloudFormation');
  const rows = [...section.matchAll(/^\| `(\w+)` \|.*\| (?:`([^`|]*)`|([^|]*)) \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  expect(Object.keys(documented).sort()).toEqual(Object.keys(Parameters).sort());
  for (const [name, { Default }] of Object.entries(Parameters)) {
    if (Default) expect([name, documented[name]]).toEqual([name, String(Default)]);
  }
});

it('the guide has the permissions that the conformance tests check against the template', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(GUIDE) ?? [];
  const documented = (JSON.parse(json) as Policy).Statement;
  const tested = readdirSync(PERMISSIONS).flatMap(
    (file) => (JSON.parse(readFileSync(new URL(file, PERMISSIONS), 'utf8')) as Policy).Statement,
  );
  expect(documented).toHaveLength(tested.length);
  expect(documented).toEqual(expect.arrayContaining(tested));
});

it('the guide lists every suppressed linter rule', () => {
  const file = new URL('conformance/stack/linters/suppressions.json', ROOT);
  const rules = (JSON.parse(readFileSync(file, 'utf8')) as { readonly rule: string }[]).map(({ rule }) => rule);
  const matches = sectionOf('Linter findings').matchAll(/`((?:CKV_|AwsSolutions-)\w+)`/g);
  const documented = new Set([...matches].map(([, rule]) => rule));
  expect(documented).toEqual(new Set(rules.map((rule) => rule.replace(/\[.*/, ''))));
});

it('the guide quotes log lines and reasons as the sources write them', () => {
  const code = ['packages/functions/src/', 'packages/filter/src/', 'packages/index/src/publish/']
    .map(readSources)
    .join('');
  const rows = sectionOf('Troubleshooting').matchAll(/^\| (.*?) \| .* \| .* \|$/gm);
  const lines = [...rows].flatMap(([, cell = '']) => /^`([^`]+)/.exec(cell)?.[1] ?? []);
  expect(lines.length).toBeGreaterThan(10);
  const reasons = lines.flatMap((line) => /\(([a-z-]+)\)$/.exec(line)?.[1] ?? []);
  expect(reasons.length).toBeGreaterThan(5);
  expect(reasons.filter((reason) => !code.includes(`'${reason}'`))).toEqual([]);
  // Compare only the constant parts of a line: values are inserted at run time.
  const pieces = lines.flatMap((line) => line.split(/ \.\.\. |: !.*|[a-z-]+\)$/));
  expect(pieces.filter((piece) => !code.includes(piece))).toEqual([]);
});

it('the example stack name is short enough for untruncated function and role names', () => {
  const names = [...GUIDE.matchAll(/(?:--stack-name |stackName=)([\w-]+)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(2);
  expect(names.filter((name) => name.length > 11)).toEqual([]);
});

it('the guide names the context values that the app reads', () => {
  const documented = new Set([...GUIDE.matchAll(/-c (\w+)/g)].map(([, name]) => name));
  expect(documented).toEqual(new Set(['stackName', ...Object.keys(CONTEXT_VALUES)]));
});

it('the clean-up commands look for the media types and annotations that this project writes', () => {
  const vocabulary = readFileSync(new URL('packages/index/src/vocabulary.ts', ROOT), 'utf8');
  const matches = sectionOf('Clean up').matchAll(
    /["'](application\/vnd\.amazon\.[^"']+|com\.amazon\.soci\.[^"']+)["']/g,
  );
  const names = new Set([...matches].map(([, name]) => name));
  expect(names.size).toBe(3);
  expect([...names].filter((name) => !vocabulary.includes(`'${name}'`))).toEqual([]);
});

/** Returns the concatenated sources of a folder, without tests. */
function readSources(folder: string): string {
  const url = new URL(folder, ROOT);
  const files = readdirSync(url, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  return sources.map((path) => readFileSync(new URL(path, url), 'utf8')).join('');
}

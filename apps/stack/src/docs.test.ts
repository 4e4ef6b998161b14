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
  const { Parameters } = plainTemplate() as { readonly Parameters: Record<string, { readonly Default?: string }> };
  const rows = [...GUIDE.matchAll(/^\| `(\w+)` \|.*\| (?:`([^`|]*)`|([^|]*)) \|$/gm)];
  const told = Object.fromEntries(rows.map(([, name, value]) => [name, value]));
  expect(Object.keys(told).sort()).toEqual(Object.keys(Parameters).sort());
  for (const [name, { Default }] of Object.entries(Parameters)) {
    if (Default) expect([name, told[name]]).toEqual([name, Default]);
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

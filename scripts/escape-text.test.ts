import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './workspace/packages.ts';

/** Reads the rules of a package: from the first doc comment to the function that only @soci/oci has. */
function rulesOf(name: string): string {
  const source = readFileSync(join(ROOT, 'packages', name, 'src', 'escape-text.ts'), 'utf8');
  const [rules = ''] = source.slice(source.indexOf('/**')).split('\n/**\n * Makes the result of `JSON.stringify`');
  return rules.trimEnd();
}

it.each(['filter', 'ztoc'])(
  '@soci/%s, which imports no other package, escapes text by the rules of @soci/oci',
  (name) => {
    expect(rulesOf('oci')).toContain('export function escapeText');
    expect(rulesOf('oci')).toContain('export function quoteText');
    expect(rulesOf(name)).toBe(rulesOf('oci'));
  },
);

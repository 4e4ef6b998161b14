import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeFunctions } from './fixtures/readme-example.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it('the README contains the tested example', () => {
  const example = readFileSync(new URL('./fixtures/readme-example.ts', import.meta.url), 'utf8');
  expect(README).toContain(`\`\`\`ts\n${example}\`\`\``);
});

it('the example returns the input for both functions', async () => {
  const [filter, generator] = await describeFunctions('app:*', 'arn');
  expect(filter).toMatchObject({
    Handler: 'index.handler',
    Environment: { soci_repository_image_tag_filters: 'app:*' },
  });
  expect(generator?.Code.subarray(0, 2).toString()).toBe('PK');
});

it.each([
  ['filter', 'filter-settings.ts'],
  ['generator', 'generator-settings.ts'],
])('every setting of the %s is in its table', (name, file) => {
  const source = readFileSync(new URL(`./environment/${file}`, import.meta.url), 'utf8');
  const variables = [...source.matchAll(/^ {2}readonly (soci_\w+)\??:/gm)].map(([, variable]) => variable);
  const section = README.split(`### The ${name}\n`)[1]?.split('\n## ')[0]?.split('\n### ')[0] ?? '';
  const documented = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, variable]) => variable);
  expect(documented).toEqual(variables);
});

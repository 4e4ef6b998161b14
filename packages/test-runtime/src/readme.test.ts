import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tryImage } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

// It is run by the conformance tests of the runtime.
test('the example can be loaded', () => {
  expect(tryImage).toBeTypeOf('function');
});

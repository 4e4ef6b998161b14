import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

// `npm run test:runtime` runs the example.
test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

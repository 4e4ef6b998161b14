import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import './fixtures/readme-example';

it('the example of the README is one that runs', () => {
  const read = (path: string) => readFileSync(join(__dirname, path), 'utf8');
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import './fixtures/readme-example';
import { stack } from './fixtures/readme-snippets';

const read = (path: string) => readFileSync(join(__dirname, path), 'utf8');
const [first, ...others] = [...read('../README.md').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);

it('the README contains the tested example', () => {
  expect(first).toBe(read('fixtures/readme-example.ts'));
});

it('the other snippets of the README are part of an app that synthesises', () => {
  const snippets = read('fixtures/readme-snippets.ts');
  expect(others.length).toBeGreaterThan(3);
  expect(others.filter((snippet = '') => !snippets.includes(snippet))).toEqual([]);
  Template.fromStack(stack).resourceCountIs('Custom::SociIndexedImage', 3);
});

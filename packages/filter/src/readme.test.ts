import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DIGEST, pushEvent } from './fixtures/events.ts';
import { handle } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example behaves as the README says', () => {
  const indexed: string[] = [];
  const index = (image: string, digest: string) => indexed.push(`${image} ${digest}`);
  const push = (tag: string) => handle(pushEvent({ 'repository-name': 'prod/team/app', 'image-tag': tag }), index);

  expect(push('v4')).toBe('200: prod/team/app:v4 matches prod/*:v[0-9]*');
  expect(push('v4-soci')).toBe('200: prod/team/app:v4-soci: !*:*-soci excludes it');
  expect(push('dev')).toBe('200: prod/team/app:dev: none of 2 filters matches it');
  expect(handle({ ...pushEvent(), account: '12' }, index)).toBe(
    '400: invalid event: account is "12": expected an account id of 12 digits',
  );
  expect(indexed).toEqual([`prod/team/app:v4 ${DIGEST}`]);
});

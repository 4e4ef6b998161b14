import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CAUSES } from './causes.ts';

const DOCUMENT = new URL('../../../../docs/doctor.md', import.meta.url);

it('docs/doctor.md lists all causes in their order', () => {
  const rows = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([a-z0-9-]+)` \| (.+?) \| .+ \| .+ \|$/gm)];
  expect(rows.map(([, id, title]) => [id, title])).toEqual(CAUSES.map(({ id, title }) => [id, title]));
});

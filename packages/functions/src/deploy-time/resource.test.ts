import { expect, it } from 'vitest';
import { formatResourceId, type IndexedResource, NO_INDEX_CREATED, parseResourceId } from './resource.ts';

const digest = `sha256:${'0'.repeat(64)}`;

it.each<[IndexedResource, string]>([
  [{ repository: 'app', digest }, `app@${digest}`],
  [{ repository: 'team/a__b-c.d', digest, outputTag: 'v1_2.3-soci' }, `team/a__b-c.d:v1_2.3-soci@${digest}`],
  [{ repository: 'app', digest, indexing: NO_INDEX_CREATED }, `app@${digest}#none`],
  [
    { repository: 'app', digest, outputTag: 'x', indexing: 'V2,10485760,default' },
    `app:x@${digest}#V2,10485760,default`,
  ],
])('formats and parses %j as %s', (resource, id) => {
  expect(formatResourceId(resource)).toBe(id);
  expect(parseResourceId(id)).toEqual(resource);
});

it.each(['', 'not-indexed', 'app', 'app:v1', 'app@sha256:0', '2026/11/23/[$LATEST]0123456789abcdef'])(
  'does not parse %j',
  (id) => expect(parseResourceId(id)).toBeUndefined(),
);

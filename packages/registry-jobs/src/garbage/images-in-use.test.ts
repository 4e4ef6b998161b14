import { describe, expect, it } from 'vitest';
import { digest } from '../fixtures/memory-catalog.ts';
import { parseImagesInUse } from './images-in-use.ts';

const A = digest('a');

describe('parseImagesInUse', () => {
  it.each([
    ['a digest', A, [[A, []]], []],
    ['a reference with a digest', `registry.example/team/app:v1@${A}`, [[A, ['team/app']]], []],
    ['an image ID of Kubernetes', `docker-pullable://registry.example/team/app@${A}`, [[A, ['team/app']]], []],
    ['an image ID of Docker', `docker://${A}`, [[A, []]], []],
    ['a reference with a tag', 'registry.example:5000/team/app:v1', [], ['team/app:v1']],
    ['a reference without a tag', 'registry.example/team/app', [], ['team/app:latest']],
    ['several words on a line', `${A} registry.example/b:2`, [[A, []]], ['b:2']],
    ['comments and empty lines', `# pods\n\n${A} # web\r\n`, [[A, []]], []],
  ])('accepts %s', (_, text, digests, tags) => {
    const inUse = parseImagesInUse(text, 'list.txt');
    expect([...inUse.digests].map(([key, repositories]) => [key, [...repositories]])).toEqual(digests);
    expect([...inUse.tags]).toEqual(tags);
  });

  it.each([
    ['an empty list', '\n# nothing\n', 'list.txt lists no image'],
    [
      'a word that is not a reference',
      `${A}\nregistry.example/App:v1`,
      'list.txt, line 2: "registry.example/App:v1" is not',
    ],
    ['a truncated digest', 'registry.example/app@sha256:12', 'line 1'],
  ])('rejects %s', (_, text, message) => {
    expect(() => parseImagesInUse(text, 'list.txt')).toThrow(
      expect.objectContaining({ code: 'IN_USE_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

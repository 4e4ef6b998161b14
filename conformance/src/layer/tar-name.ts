import type { Random } from '@soci/test-content';

/** A path: plain, prefixed, UTF-8, bytes that are no UTF-8, a whiteout; short of, at and beyond each length where writers change. */
export function randomName(random: Random): string {
  const parts = random.list(random.between(1, 4), () =>
    random.weighted([
      [6, () => random.pick(['usr', 'lib', 'etc', 'a', 'node_modules', '.wh.gone', '.wh..wh..opq', 'with space'])],
      [4, () => random.uint32().toString(36)],
      [1, () => Buffer.from('grüße-日本').toString('latin1')],
      [1, () => String.fromCharCode(...random.list(random.between(1, 12), () => random.between(1, 255)))],
    ])(),
  );
  const name = random.pick(['', '', '', './', '/', '../']) + parts.join('/');
  if (!random.chance(0.12)) return name;
  const length = random.pick([99, 100, 101, 155, 156, 200, 255, 256, 257, random.magnitude(100, 5000)]);
  return `${name}/${'long-name/'.repeat(length / 10 + 1)}`.slice(0, length);
}

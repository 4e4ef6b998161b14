import { Random } from '@soci/test-content';
import { expect, it } from 'vitest';
import { EntryNames, readEntryNames } from './entry-names.ts';

/** Adds entries from one buffer that is overwritten each time, and reads them twice. */
function roundTrip(entries: readonly (readonly [name: Uint8Array, isLink: boolean])[]) {
  const names = new EntryNames();
  const buffer = new Uint8Array(100_000);
  for (const [name, isLink] of entries) {
    buffer.set(name);
    names.add(isLink ? 'symlink' : 'dir', buffer, 0, name.length);
  }
  const bytes = names.finish();
  const list = readEntryNames(bytes);
  const read = [...list].map(({ name, type }) => [name, type === 'symlink']);
  expect([...list]).toHaveLength(entries.length);
  return { bytes, read };
}

it('returns the names, and which are symbolic links', () => {
  const random = new Random(1);
  const prefixes = random.list(20, () => random.bytes(random.magnitude(1, 300)));
  const entries = random.list(2000, () => {
    const name = [...random.pick(prefixes), ...random.bytes(random.between(0, 20))];
    return [Uint8Array.from(name), random.chance(0.2)] as const;
  });
  expect(roundTrip(entries).read).toEqual(entries);
});

it('returns empty names, names that start alike, and very long ones', () => {
  const bytes = (...parts: readonly number[]) => Uint8Array.from(parts.flatMap((length, i) => Array(length).fill(i)));
  const entries = [bytes(), bytes(90_000), bytes(89_999), bytes(1, 99_000), bytes(), bytes(1), bytes(1)];
  expect(roundTrip(entries.map((name) => [name, true])).read).toEqual(entries.map((name) => [name, true]));
  expect(roundTrip([])).toEqual({ bytes: bytes(), read: [] });
});

it('needs few bytes for names in the same directory', () => {
  const utf8 = new TextEncoder();
  const entries = Array.from(
    { length: 1000 },
    (_, i) => [utf8.encode(`usr/lib/node_modules/package/lib/file-${i}.js`), false] as const,
  );
  expect(roundTrip(entries).bytes.length).toBeLessThan(10 * entries.length);
});

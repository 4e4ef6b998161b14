import { Random } from '@soci/test-content';
import { type Entry, makeText, packArchive } from './entries.ts';

/** File that {@link makeUsualArchives} places in the middle of its second layer, and that profiles and prefetching name. */
export const START_FILE = '/app/lib7.so';

/**
 * Returns the archives of an image like most: a base with many files, an application with large ones, and a small layer that
 * changes both.
 */
export function makeUsualArchives(seed: number): Uint8Array[] {
  const random = new Random(seed);
  const base: Entry[] = ['usr/', 'usr/bin/', 'usr/lib/', 'etc/'].map((path) => ({ path, type: 'folder' }));
  for (let i = 0; i < 150; i++) {
    base.push({ path: `usr/lib/file${i}`, content: makeText(random, random.magnitude(1, 60_000)) });
    if (i % 10 === 0) base.push({ path: `usr/bin/tool${i}`, content: random.bytes(20_000), mode: 0o755 });
    if (i % 25 === 0) base.push({ path: `usr/bin/alias${i}`, type: 'symlink', target: `tool${i}`, mode: 0o777 });
  }
  base.push({ path: 'etc/config', content: 'default\n' }, { path: 'etc/removed', content: 'gone\n' });
  const application: Entry[] = [{ path: 'app/', type: 'folder', owner: [1000, 1000] }];
  for (let i = 0; i < 14; i++) {
    const content = Buffer.concat([makeText(random, 400_000), random.bytes(60_000)]);
    application.push({ path: `app/lib${i}.so`, content, owner: [1000, 1000] });
  }
  const top: Entry[] = [
    { path: 'etc/', type: 'folder' },
    { path: 'etc/config', content: 'changed\n', mode: 0o600 },
    { path: 'etc/.wh.removed' },
    { path: 'app/', type: 'folder', owner: [1000, 1000] },
    { path: 'app/lib3.so', content: makeText(random, 30_000) },
  ];
  return [base, application, top].map((entries) => packArchive('ustar', entries));
}

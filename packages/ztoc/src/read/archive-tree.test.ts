import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeZtoc } from '../encoding/encode-ztoc.ts';
import { DecodedEntries, EncodedEntries } from '../encoding/entry-list.ts';
import { type FileEntry, type FileType, ZTOC_VERSION } from '../ztoc.ts';
import { ArchiveTree } from './archive-tree.ts';

const utf8 = new TextEncoder();
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const NO_BYTES = new Uint8Array(0);

/** Creates an entry. The size distinguishes entries with the same name. */
function entryOf(name: string | Uint8Array, type: FileType = 'reg', linkName = '', size = 0): FileEntry {
  return {
    name: typeof name === 'string' ? utf8.encode(name) : name,
    type,
    uncompressedOffset: 0,
    uncompressedSize: size,
    linkName: utf8.encode(linkName),
    mode: 0o755,
    uid: 0,
    gid: 0,
    userName: NO_BYTES,
    groupName: NO_BYTES,
    modTime: '',
    devMajor: 0,
    devMinor: 0,
    paxRecords: [],
  };
}

const treeOf = (files: readonly FileEntry[]) => new ArchiveTree(new DecodedEntries(files));

describe('ArchiveTree.find', () => {
  const tree = treeOf([entryOf('./'), entryOf('./etc/', 'dir'), entryOf('./etc/hosts'), entryOf('/bin//sh')]);

  it.each(['etc/hosts', './etc/hosts', '/etc/hosts', 'etc//hosts', 'etc/./hosts', 'etc/../etc/hosts', '../etc/hosts'])(
    'treats %s as the same path',
    (path) => {
      expect(text(tree.find(path)?.name ?? NO_BYTES)).toBe('./etc/hosts');
    },
  );

  it('finds a directory with and without a trailing slash', () => {
    expect(tree.find('etc/')).toBe(tree.find('etc'));
    expect(tree.find('etc')?.type).toBe('dir');
    expect(tree.find('/')).toBe(tree.find('.'));
  });

  it('returns undefined for missing and implied entries', () => {
    expect(tree.find('etc/host')).toBeUndefined();
    expect(tree.find('bin')).toBeUndefined();
    expect(tree.find('bin/sh')).toBeDefined();
  });

  it('finds names that are not UTF-8 by their bytes', () => {
    const latin1 = new Uint8Array([0x66, 0xfc, 0x72]);
    const odd = treeOf([entryOf(latin1), entryOf('für')]);
    expect(odd.find(latin1)?.name).toBe(latin1);
    expect(odd.find('für')?.name).toEqual(utf8.encode('für'));
    expect(odd.find('f\ufffdr')).toBeUndefined();
  });

  it('returns the last of several entries with the same path', () => {
    const twice = treeOf([entryOf('a', 'reg', '', 1), entryOf('b'), entryOf('./a', 'reg', '', 2)]);
    expect(twice.find('a')?.uncompressedSize).toBe(2);
    expect([...twice.entries()].map(({ name }) => text(name))).toEqual(['b', './a']);
  });
});

describe('paths in any order', () => {
  const ztocOf = (files: readonly FileEntry[]) => ({
    version: ZTOC_VERSION,
    buildToolIdentifier: '',
    compressedArchiveSize: 0,
    uncompressedArchiveSize: 0,
    files,
    compression: 'uncompressed' as const,
    maxSpanId: -1,
    spanDigests: [],
    checkpoints: NO_BYTES,
  });
  const name = fc.constantFrom('a', 'b', 'ab', 'long-name', '.', '..', '');
  const paths = fc.array(
    fc.array(name, { maxLength: 6 }).map((names) => names.join('/')),
    { maxLength: 20 },
  );

  it.each([
    ['decoded', (files: readonly FileEntry[]) => new DecodedEntries(files)],
    ['encoded', (files: readonly FileEntry[]) => new EncodedEntries(encodeZtoc(ztocOf(files)))],
  ])('have the last entry with the same path: %s', (_, entriesOf) => {
    fc.assert(
      fc.property(paths, (names) => {
        const tree = new ArchiveTree(entriesOf(names.map((each, i) => entryOf(each, 'dir', '', i))));
        const expected = new Map(names.map((each, i) => [posix.resolve('/', each), i]));
        for (const each of names) {
          expect(tree.find(each)?.uncompressedSize).toBe(expected.get(posix.resolve('/', each)));
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe('a directory that becomes a file', () => {
  const tree = treeOf([
    entryOf('a/', 'dir'),
    entryOf('a/b/c'),
    entryOf('implied/x'),
    entryOf('again/', 'dir'),
    entryOf('again/old'),
    entryOf('a'),
    entryOf('implied', 'symlink', 'a'),
    entryOf('again'),
    entryOf('again/', 'dir'),
    entryOf('again/new'),
  ]);

  it('has none of the files that were in it', () => {
    expect(tree.find('a')?.type).toBe('reg');
    for (const path of ['a/b/c', 'implied/x', 'again/old']) expect(tree.find(path)).toBeUndefined();
    expect(tree.list('a')).toBeUndefined();
    expect(tree.list('a/b')).toBeUndefined();
    expect(tree.list('implied')).toBeUndefined();
  });

  it('has new files if it becomes a directory again', () => {
    expect(tree.list('again')?.map(({ name }) => text(name))).toEqual(['new']);
    expect([...tree.entries()].map(({ name }) => text(name))).toEqual(['a', 'implied', 'again/', 'again/new']);
  });

  it('keeps the content of hard links to its files', () => {
    const files = [entryOf('a/b', 'reg', '', 1), entryOf('link', 'hardlink', 'a/b'), entryOf('a')];
    expect(treeOf(files).resolveHardLinks(files[1] as FileEntry)).toBe(files[0]);
  });
});

describe('ArchiveTree.list', () => {
  const tree = treeOf([
    entryOf('usr/', 'dir'),
    entryOf('usr/lib/b/c/d'),
    entryOf('usr/lib'),
    entryOf('usr/lib-old/x'),
    entryOf('usr/lib.so'),
    entryOf('usr/bin/', 'dir'),
    entryOf('usr/bin/sh', 'symlink', 'dash'),
    entryOf('var/run/x'),
    entryOf('usrlocal'),
  ]);
  const namesIn = (path: string) => tree.list(path)?.map(({ name }) => text(name));

  it('lists each item once, sorted by bytes', () => {
    expect(namesIn('usr')).toEqual(['bin', 'lib', 'lib-old', 'lib.so']);
    expect(namesIn('/usr/bin/')).toEqual(['sh']);
    expect(namesIn('')).toEqual(['usr', 'usrlocal', 'var']);
  });

  it('includes directories without an entry', () => {
    expect(tree.list('')).toContainEqual({ name: utf8.encode('var'), entry: undefined });
    expect(namesIn('var')).toEqual(['run']);
  });

  it('distinguishes an empty directory, a file and a missing path', () => {
    const few = treeOf([entryOf('empty/', 'dir'), entryOf('file')]);
    expect(few.list('empty')).toEqual([]);
    expect(few.list('file')).toBeUndefined();
    expect(few.list('none')).toBeUndefined();
    expect(treeOf([]).list('')).toEqual([]);
  });

  it('lists a directory quickly even if a path has a million segments', () => {
    const deep = treeOf([entryOf(`${'a/'.repeat(1_000_000)}end`)]);
    expect(deep.list('')?.map(({ name }) => text(name))).toEqual(['a']);
    expect(deep.list('a/a/a')?.map(({ name }) => text(name))).toEqual(['a']);
  });
});

describe('ArchiveTree.isDirectory', () => {
  const tree = treeOf([
    entryOf('dir/', 'dir'),
    entryOf('implied/x'),
    entryOf('gone/x'),
    entryOf('gone', 'symlink', 'dir'),
  ]);

  it.each(['', '/', 'dir', './dir/', 'implied'])('is true for the directory %j', (path) => {
    expect(tree.isDirectory(path)).toBe(true);
  });

  it.each(['implied/x', 'gone', 'gone/x', 'missing', 'dir/missing'])('is false for %s', (path) => {
    expect(tree.isDirectory(path)).toBe(false);
  });
});

describe('ArchiveTree.follow', () => {
  const tree = treeOf([
    entryOf('bin', 'symlink', 'usr/bin'),
    entryOf('usr/bin/sh', 'symlink', 'dash'),
    entryOf('usr/bin/dash', 'reg', '', 7),
    entryOf('etc/alternatives/sh', 'symlink', '/bin/sh'),
    entryOf('etc/up', 'symlink', '../../../usr'),
    entryOf('here', 'symlink', '.'),
    entryOf('round', 'symlink', 'about'),
    entryOf('about', 'symlink', './round'),
    entryOf('wide', 'symlink', 'x/'.repeat(3000)),
    entryOf('lost', 'symlink', 'nowhere'),
  ]);

  it.each(['bin/sh', 'usr/bin/sh', '/etc/alternatives/sh', 'etc/up/bin/sh', 'here/here/bin/sh', 'bin/../bin/sh'])(
    'resolves %s',
    (path) => {
      expect(tree.follow(path)?.uncompressedSize).toBe(7);
    },
  );

  it('is not done by find', () => {
    expect(tree.find('usr/bin/sh')?.type).toBe('symlink');
    expect(tree.find('bin/sh')).toBeUndefined();
  });

  it('returns undefined if the target is missing', () => {
    expect(tree.follow('lost')).toBeUndefined();
  });

  it.each(['round', 'round/x', 'wide'])('throws LIMIT_EXCEEDED for %s', (path) => {
    expect(() => tree.follow(path)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});

describe('hard links', () => {
  it('resolve to the entry before them, through other hard links', () => {
    const files = [entryOf('./a', 'reg', '', 1), entryOf('b', 'hardlink', 'a'), entryOf('c', 'hardlink', '/b')];
    expect(treeOf(files).resolveHardLinks(files[2] as FileEntry)).toBe(files[0]);
  });

  it('keep their target when a later entry has its path', () => {
    const files = [
      entryOf('a', 'reg', '', 1),
      entryOf('b', 'hardlink', 'a'),
      entryOf('a', 'reg', '', 2),
      entryOf('c', 'hardlink', 'a'),
    ];
    const tree = treeOf(files);
    expect(tree.resolveHardLinks(files[1] as FileEntry)).toBe(files[0]);
    expect(tree.resolveHardLinks(files[3] as FileEntry)).toBe(files[2]);
  });

  it.each([
    ['to a missing entry', [entryOf('b', 'hardlink', 'a')]],
    ['to itself', [entryOf('b', 'hardlink', 'b')]],
    ['in a cycle', [entryOf('b', 'hardlink', 'c'), entryOf('c', 'hardlink', 'b')]],
    ['to a later entry', [entryOf('b', 'hardlink', 'a'), entryOf('a')]],
  ])('%s are rejected', (_, files) => {
    expect(() => treeOf(files).resolveHardLinks(files[0] as FileEntry)).toThrow(
      expect.objectContaining({ code: 'ENTRY_NOT_FOUND' }),
    );
  });
});

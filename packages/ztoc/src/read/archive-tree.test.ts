import { describe, expect, it } from 'vitest';
import type { FileEntry, FileType } from '../ztoc.ts';
import { ArchiveTree } from './archive-tree.ts';

const utf8 = new TextEncoder();
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const NO_BYTES = new Uint8Array(0);

/** An entry that its size tells from others. */
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

describe('finding an entry', () => {
  const tree = new ArchiveTree([entryOf('./'), entryOf('./etc/', 'dir'), entryOf('./etc/hosts'), entryOf('/bin//sh')]);

  it.each(['etc/hosts', './etc/hosts', '/etc/hosts', 'etc//hosts', 'etc/./hosts', 'etc/../etc/hosts', '../etc/hosts'])(
    'takes %s for the same path',
    (path) => {
      expect(text(tree.find(path)?.name ?? NO_BYTES)).toBe('./etc/hosts');
    },
  );

  it('takes a directory with and without its slash', () => {
    expect(tree.find('etc/')).toBe(tree.find('etc'));
    expect(tree.find('etc')?.type).toBe('dir');
    expect(tree.find('/')).toBe(tree.find('.'));
  });

  it('gives nothing for what is not there, or only implied', () => {
    expect(tree.find('etc/host')).toBeUndefined();
    expect(tree.find('bin')).toBeUndefined();
    expect(tree.find('bin/sh')).toBeDefined();
  });

  it('finds names that are no UTF-8, by their bytes', () => {
    const latin1 = new Uint8Array([0x66, 0xfc, 0x72]);
    const odd = new ArchiveTree([entryOf(latin1), entryOf('für')]);
    expect(odd.find(latin1)?.name).toBe(latin1);
    expect(odd.find('für')?.name).toEqual(utf8.encode('für'));
    expect(odd.find('f\ufffdr')).toBeUndefined();
  });

  it('takes the last of several entries', () => {
    const twice = new ArchiveTree([entryOf('a', 'reg', '', 1), entryOf('b'), entryOf('./a', 'reg', '', 2)]);
    expect(twice.find('a')?.uncompressedSize).toBe(2);
    expect([...twice.entries()].map(({ name }) => text(name))).toEqual(['b', './a']);
  });
});

describe('listing a directory', () => {
  const tree = new ArchiveTree([
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

  it('names what is in it, each once, sorted by bytes', () => {
    expect(namesIn('usr')).toEqual(['bin', 'lib', 'lib-old', 'lib.so']);
    expect(namesIn('/usr/bin/')).toEqual(['sh']);
    expect(namesIn('')).toEqual(['usr', 'usrlocal', 'var']);
  });

  it('has directories of which the archive has only the files', () => {
    expect(tree.list('')).toContainEqual({ name: utf8.encode('var'), entry: undefined });
    expect(namesIn('var')).toEqual(['run']);
  });

  it('tells an empty directory from a file and from nothing', () => {
    const few = new ArchiveTree([entryOf('empty/', 'dir'), entryOf('file')]);
    expect(few.list('empty')).toEqual([]);
    expect(few.list('file')).toBeUndefined();
    expect(few.list('none')).toBeUndefined();
    expect(new ArchiveTree([]).list('')).toEqual([]);
  });

  it('takes no more for one name of a million levels than for a short one', () => {
    const deep = new ArchiveTree([entryOf(`${'a/'.repeat(1_000_000)}end`)]);
    expect(deep.list('')?.map(({ name }) => text(name))).toEqual(['a']);
    expect(deep.list('a/a/a')?.map(({ name }) => text(name))).toEqual(['a']);
  });
});

describe('following symbolic links', () => {
  const tree = new ArchiveTree([
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
    '%s leads to the file',
    (path) => {
      expect(tree.follow(path)?.uncompressedSize).toBe(7);
    },
  );

  it('is not done unless asked for', () => {
    expect(tree.find('usr/bin/sh')?.type).toBe('symlink');
    expect(tree.find('bin/sh')).toBeUndefined();
  });

  it('ends nowhere where the target is missing', () => {
    expect(tree.follow('lost')).toBeUndefined();
  });

  it.each(['round', 'round/x', 'wide'])('ends with LIMIT_EXCEEDED for %s', (path) => {
    expect(() => tree.follow(path)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});

describe('hard links', () => {
  it('share the body of the entry before them, through each other', () => {
    const files = [entryOf('./a', 'reg', '', 1), entryOf('b', 'hardlink', 'a'), entryOf('c', 'hardlink', '/b')];
    expect(new ArchiveTree(files).resolveHardLinks(files[2] as FileEntry)).toBe(files[0]);
  });

  it('keep it when a later entry takes its path', () => {
    const files = [
      entryOf('a', 'reg', '', 1),
      entryOf('b', 'hardlink', 'a'),
      entryOf('a', 'reg', '', 2),
      entryOf('c', 'hardlink', 'a'),
    ];
    const tree = new ArchiveTree(files);
    expect(tree.resolveHardLinks(files[1] as FileEntry)).toBe(files[0]);
    expect(tree.resolveHardLinks(files[3] as FileEntry)).toBe(files[2]);
  });

  it.each([
    ['to nothing', [entryOf('b', 'hardlink', 'a')]],
    ['to itself', [entryOf('b', 'hardlink', 'b')]],
    ['in a circle', [entryOf('b', 'hardlink', 'c'), entryOf('c', 'hardlink', 'b')]],
    ['to what comes after', [entryOf('b', 'hardlink', 'a'), entryOf('a')]],
  ])('%s lead nowhere', (_, files) => {
    expect(() => new ArchiveTree(files).resolveHardLinks(files[0] as FileEntry)).toThrow(
      expect.objectContaining({ code: 'ENTRY_NOT_FOUND' }),
    );
  });
});

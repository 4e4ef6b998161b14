import { posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import { base256, concat, paxHeader, streamOf, TAR_END, tarEntry } from '@soci/test-content';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildZtoc, decodeZtoc, encodeZtoc, findRuntimeProblems, scanTar } from '../index.ts';

const file = (name: string, body = 'content', fields = {}) => tarEntry({ name, ...fields }, body);
const link = (name: string, linkName: string) => tarEntry({ name, type: '1', linkName });
const symlink = (name: string, linkName: string) => tarEntry({ name, type: '2', linkName });
const folder = (name: string, fields = {}) => tarEntry({ name, type: '5', ...fields });

/** Returns the problems that are found while the zTOC is built, and the same from the zTOC. */
async function problemsOf(...entries: Uint8Array[]) {
  const { bytes, runtime } = await buildZtoc([gzipSync(concat(...entries, TAR_END))]);
  expect(findRuntimeProblems(decodeZtoc(bytes))).toEqual(runtime.problems);
  return runtime.problems;
}

async function codesOf(...entries: Uint8Array[]): Promise<string[]> {
  return (await problemsOf(...entries)).map(({ code, effect }) => `${effect}: ${code}`);
}

it('finds no problem in an ordinary layer', async () => {
  const layer = [
    folder('usr/'),
    folder('usr/lib/'),
    file('usr/lib/a.so'),
    symlink('lib', 'usr/lib'),
    link('./usr/lib/b.so', '/usr/lib/a.so'),
    paxHeader([
      ['mtime', '1700000000.5'],
      ['SCHILY.xattr.user.a', '1'],
      ['SCHILY.xattr.user.b', '2'],
    ]),
    file('etc/implied/directory'),
    file('.wh.gone', ''),
  ];
  expect(await problemsOf(...layer)).toEqual([]);
});

interface Node {
  readonly children: Map<string, Node>;
}

/** Adds entries to a tree as the runtime does, and counts the links whose target is not in it. */
function countMissingTargets(entries: readonly (readonly [type: string, name: string, target: string])[]): number {
  const root: Node = { children: new Map() };
  const namesOf = (path: string) => posix.resolve('/', path).split('/').filter(Boolean);
  const find = (path: string) => namesOf(path).reduce<Node | undefined>((at, name) => at?.children.get(name), root);
  const put = (path: string, node: Node) => {
    const names = namesOf(path);
    const last = names.pop();
    let at = root;
    for (const name of names) {
      const child = at.children.get(name) ?? { children: new Map() };
      at.children.set(name, child);
      at = child;
    }
    if (last !== undefined) at.children.set(last, node);
  };
  let missing = 0;
  for (const [type, name, target] of entries) {
    const linked = type === '1' ? find(target) : undefined;
    if (type === '1' && linked === undefined) missing += 1;
    else if (type !== '5' || find(name) === undefined) put(name, linked ?? { children: new Map() });
  }
  return missing;
}

describe('hard links', () => {
  const MISSING = ['pulled-whole: hard-link-target-missing'];

  it.each([
    ['another layer', [link('b', 'a')]],
    ['a later entry', [link('b', 'a'), file('a')]],
    ['itself', [link('a', 'a')]],
    ['a file whose directory a later file replaced', [file('d/a'), file('d'), link('b', 'd/a')]],
  ])('reports a target in %s', async (_, entries) => {
    expect(await codesOf(...entries)).toEqual(MISSING);
  });

  it.each([
    ['in other spelling', [file('./x/../a'), link('b', '/a')]],
    ['that is a hard link', [file('a'), link('b', 'a'), link('c', 'b')]],
    ['in a directory that has an entry after its files', [file('d/a'), folder('d/'), link('b', 'd/a')]],
    ['that the link replaces', [file('a'), link('a', 'a')]],
    ['that is a symbolic link', [symlink('a', 'missing'), link('b', 'a')]],
    ['that a later file replaces', [file('a'), link('b', 'a'), file('a')]],
    ['that replaced a directory', [folder('a/'), file('a'), link('b', 'a')]],
    ['that has `..` before the root', [file('a'), link('b', '../../a')]],
  ])('accepts a target %s', async (_, entries) => {
    expect(await codesOf(...entries)).toEqual([]);
  });

  const DIRECTORY = 'hard-link-to-directory';

  it.each([
    ['the root', [link('b', '/')], ['b']],
    ['the root, with `..`', [file('a'), link('b', 'a/..')], ['b']],
    ['a directory', [folder('d/'), link('b', 'd')], ['b']],
    ['a directory that no entry describes', [file('d/a'), link('b', 'd')], ['b']],
    ['a directory that contains the link', [folder('d/'), link('d/b', 'd')], ['d/b']],
    ['a directory that a link replaces', [folder('d/'), link('d', 'd')], ['d']],
    ['a hard link to a directory', [folder('d/'), link('b', 'd'), link('c', 'b')], ['b', 'c']],
    ['a directory, in which another link has its target', [file('d/a'), link('e', 'd'), link('b', 'e/a')], ['e']],
    ['a file whose path became a directory before', [file('a'), folder('a/'), link('b', 'a')], ['b']],
    ['a file that a later directory replaces', [file('a'), link('b', 'a'), folder('a/')], ['b']],
    ['a file, and a later directory replaces the link', [file('a'), link('./b', 'a'), folder('b/')], ['a']],
    [
      'a file, and a later directory replaces another link',
      [file('a'), link('b', 'a'), link('c', 'b'), folder('b/')],
      ['a', 'c'],
    ],
    ['a symbolic link that a later directory replaces', [symlink('a', 'x'), link('b', 'a'), folder('a/')], ['b']],
    [
      'itself, and a later directory replaces the path',
      [file('a'), link('a', 'a'), link('b', 'a'), folder('a')],
      ['b'],
    ],
  ])('reports what the runtime shows as a directory if a link leads to %s', async (_, entries, paths) => {
    expect(await problemsOf(...entries)).toMatchObject([{ code: DIRECTORY, effect: 'shown-differently', paths }]);
  });

  it.each([
    ['a later file replaces the link', [folder('d/'), link('b', 'd'), file('b')]],
    ['a later directory replaces the link', [folder('d/'), link('b', 'd'), folder('b/')]],
    ['a later file replaces the directory of the link', [folder('d/'), folder('e/'), link('e/b', 'd'), file('e')]],
    ['a file replaces the target before the directory does', [file('a'), link('b', 'a'), file('a'), folder('a/')]],
    ['the directory has another name', [file('a'), link('b', 'a'), folder('a.d/')]],
  ])('reports no directory if %s', async (_, entries) => {
    expect(await codesOf(...entries)).toEqual([]);
  });

  it('names the entry that is shown as a directory', async () => {
    const message = '1 entry is shown as a directory because of a hard link ("b")';
    expect(await problemsOf(file('a'), link('b', 'a'), folder('a/'))).toMatchObject([{ message }]);
  });

  it('names the first links and counts all', async () => {
    const links = Array.from({ length: 7 }, (_, i) => link(`b${i}`, 'lib/a'));
    const message = '7 hard links have no target earlier in this layer (the first is "b0" to "lib/a")';
    expect(await problemsOf(...links)).toEqual([
      {
        code: 'hard-link-target-missing',
        effect: 'pulled-whole',
        count: 7,
        paths: ['b0', 'b1', 'b2', 'b3', 'b4'],
        message,
      },
    ]);
  });

  it('finds targets among many paths', async () => {
    const files = Array.from({ length: 5000 }, (_, i) => file(`d${i % 70}/f${i}`, ''));
    const links = Array.from({ length: 5000 }, (_, i) => link(`l${i}`, `d${i % 70}/f${i}`));
    expect(await codesOf(...files, ...links)).toEqual([]);
    expect((await problemsOf(...files, ...links, link('x', 'd1/f0')))[0]).toMatchObject({ count: 1, paths: ['x'] });
  });

  it('agrees with a tree of the entries, for any order of files, directories and links', async () => {
    const path = fc
      .array(fc.constantFrom('a', 'a', 'b', 'b', '.', '..'), { minLength: 1, maxLength: 2 })
      .map((names) => names.join('/'));
    const entry = fc.tuple(fc.constantFrom('0', '1', '1', '5', '5'), path, path);
    // Half of the layers start with directories, so that their files have the entries of their directories.
    const start = fc.constantFrom([], ['a/', 'b/'], ['a/', 'a/b/', 'b/']);
    await fc.assert(
      fc.asyncProperty(start, fc.array(entry, { maxLength: 12 }), async (folders, others) => {
        const entries = [...folders.map((name) => ['5', name, ''] as const), ...others];
        const problems = await problemsOf(
          ...entries.map(([type, name, target]) => tarEntry({ name, type, ...(type === '1' && { linkName: target }) })),
        );
        const found = problems.find(({ code }) => code === 'hard-link-target-missing');
        expect(found?.count ?? 0).toBe(countMissingTargets(entries));
      }),
      { seed: 20_261_130, numRuns: 1000 },
    );
  });
});

describe('sizes', () => {
  const SPARSE = [
    ['GNU.sparse.size', '100000'],
    ['GNU.sparse.numblocks', '1'],
    ['GNU.sparse.map', '0,7'],
  ] as const;
  const sparse = concat(paxHeader(SPARSE), file('sparse'));

  it('reports a sparse file that seems to overlap the next entry', async () => {
    expect(await codesOf(sparse, file('b'))).toEqual([
      'pulled-whole: entries-overlap',
      'unreadable-files: sparse-file',
    ]);
    expect((await problemsOf(sparse, file('b')))[0]?.paths).toEqual(['sparse']);
  });

  it('reports a sparse file at the end', async () => {
    expect(await codesOf(sparse)).toEqual(['unreadable-files: sparse-file']);
  });

  it('accepts a sparse file without holes', async () => {
    const records = [['GNU.sparse.size', '7'], ...SPARSE.slice(1)] as const;
    expect(await codesOf(paxHeader(records), file('dense'), file('b'))).toEqual([]);
  });

  it.each(['1', '2', '5'])('reports the size of an entry of type %s, which has no content', async (type) => {
    const entry = tarEntry({ name: 'x', type, size: 4096, linkName: 'a' });
    expect(await codesOf(file('a'), entry, file('b'))).toContain('pulled-whole: entries-overlap');
    expect(await codesOf(file('a'), entry)).toEqual([]);
  });

  it('reports the file after a directory whose size covers its header', async () => {
    expect(await codesOf(folder('d/', { size: 512 }), file('b'))).toEqual(['unreadable-files: header-not-found']);
    expect(await codesOf(folder('d/', { size: 512 }), file('b', ''))).toEqual([]);
  });
});

describe('extended attributes', () => {
  const xattrs = (...values: string[]) =>
    paxHeader(values.map((value, i) => [`SCHILY.xattr.user.${i}`, value] as const));

  it('reports an empty value among several', async () => {
    expect(await codesOf(xattrs('x', ''), file('a'))).toEqual(['unreadable-files: xattr-empty']);
    expect(await codesOf(xattrs('x', '', 'y'), folder('a/'))).toEqual(['shown-differently: xattr-empty']);
    expect(await codesOf(xattrs('x', ''), file('a', ''))).toEqual(['shown-differently: xattr-empty']);
  });

  it('accepts a single empty value', async () => {
    expect(await codesOf(xattrs(''), file('a'))).toEqual([]);
  });

  it('reports an empty or too long name among several', async () => {
    for (const name of ['', 'n'.repeat(33_000)]) {
      const records = paxHeader([
        [`SCHILY.xattr.${name}`, 'x'],
        ['SCHILY.xattr.user.a', 'y'],
      ]);
      expect(await codesOf(records, file('a'))).toEqual(['pulled-whole: xattr-name-invalid']);
    }
  });
});

describe('attributes that a zTOC cannot contain', () => {
  it.each([
    ['a user ID above 32 bits', concat(paxHeader([['uid', '4294967296']]), file('a'))],
    ['a negative group ID', concat(paxHeader([['gid', '-1']]), file('a'))],
    ['a year after 9999', file('a', 'x', { modTime: base256(253_402_300_800n, 12) })],
    ['the mode of a directory', file('a', 'x', { mode: 0o040755 })],
  ])('reports %s', async (_, entry) => {
    expect(await codesOf(entry)).toEqual(['unreadable-files: attributes-differ']);
  });

  it('accepts the full mode of a file', async () => {
    expect(await codesOf(file('a', 'x', { mode: 0o100644 }))).toEqual([]);
    expect(await codesOf(paxHeader([['uid', '4294967295']]), file('a'))).toEqual([]);
  });
});

describe('files that a later entry replaces', () => {
  const DIFFER = ['unreadable-files: attributes-differ'];
  const AFTER_9999 = { modTime: base256(253_402_300_800n, 12) };
  const broken = (name: string) => file(name, 'x', AFTER_9999);

  it.each([
    ['a file', [broken('a'), file('a')]],
    ['a file in other spelling', [broken('./a'), file('/b/../a')]],
    ['a directory', [broken('a'), folder('b/../a/')]],
    ['a symbolic link', [broken('a'), symlink('a', 'b')]],
    ['a hard link to another file', [file('b'), broken('a'), link('a', 'b')]],
    ['a file in place of their directory', [folder('d/'), broken('d/a'), file('d')]],
    ['a file, as their hard links', [broken('a'), link('b', 'a'), file('a'), file('b')]],
  ])('are not reported if it is %s', async (_, entries) => {
    expect(await codesOf(...entries)).toEqual([]);
  });

  it.each([
    ['a hard link keeps them', [broken('a'), link('b', 'a'), file('a')]],
    ['the link to a hard link keeps them', [broken('a'), link('b', 'a'), link('c', 'b'), file('a'), file('b')]],
    ['the entry is a hard link to them', [broken('a'), link('b', 'a'), link('a', 'b')]],
    ['the entry is that of their directory', [broken('d/a'), folder('d/')]],
    ['a whiteout has their name', [broken('a'), file('.wh.a', '')]],
    ['they replace another file', [file('a'), broken('a')]],
  ])('are reported if %s', async (_, entries) => {
    expect(await codesOf(...entries)).toEqual(DIFFER);
  });

  it('do not count, and are not named', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const message = '2 files have an owner, a year or a mode that a zTOC cannot contain (the first is "b")';
    expect(await problemsOf(...names.map(broken), file('a'), folder('c/'))).toEqual([
      { code: 'attributes-differ', effect: 'unreadable-files', count: 2, paths: ['b', 'd'], message },
    ]);
  });

  it('are reported if the runtime rejects the zTOC because of them', async () => {
    const records = [
      ['SCHILY.xattr.', 'x'],
      ['SCHILY.xattr.user.a', 'y'],
    ] as const;
    expect(await codesOf(paxHeader(records), file('a'), file('a'))).toEqual(['pulled-whole: xattr-name-invalid']);
  });

  it('are not directories that have a second entry', async () => {
    const records = paxHeader([
      ['SCHILY.xattr.user.a', 'x'],
      ['SCHILY.xattr.user.b', ''],
    ]);
    expect(await codesOf(records, folder('a/'), folder('a/'))).toEqual(['shown-differently: xattr-empty']);
    expect(await codesOf(records, folder('a/'), file('a'))).toEqual([]);
  });

  const LINKED = 'shown-differently: hard-link-to-directory';

  it('are not reported if they become a directory with all their hard links', async () => {
    expect(await codesOf(broken('a'), link('b', 'a'), folder('a/'))).toEqual([LINKED]);
  });

  it('are reported if a hard link to their directory keeps them', async () => {
    const layer = [folder('d/'), broken('d/a'), link('e', 'd'), file('d')];
    expect(await codesOf(...layer)).toEqual([...DIFFER, LINKED]);
  });

  it('are found in a circle of hard links to directories', async () => {
    const circle = [folder('d/'), link('d/e', 'd'), broken('d/a')];
    expect(await codesOf(...circle, file('d/e/e/a'))).toEqual([LINKED]);
    expect(await codesOf(...circle, file('a'))).toEqual([...DIFFER, LINKED]);
  });

  it('are found in the order of the offsets', async () => {
    const { ztoc } = await buildZtoc([gzipSync(concat(file('a'), broken('a'), broken('b'), file('b'), TAR_END))]);
    const reversed = decodeZtoc(encodeZtoc({ ...ztoc, files: ztoc.files.toReversed() }));
    expect(findRuntimeProblems(reversed)).toMatchObject([{ code: 'attributes-differ', count: 1, paths: ['a'] }]);
  });
});

it('reports entries below a symbolic link of the same layer', async () => {
  const problems = await problemsOf(symlink('./lib', 'usr/lib'), file('lib/a/b'), file('lib/c'));
  expect(problems).toMatchObject([{ code: 'entries-below-symlink', effect: 'shown-differently', paths: ['./lib'] }]);
  expect(await codesOf(symlink('lib', 'usr/lib'), folder('lib/'), file('lib/c'))).toEqual([]);
});

it('reports empty spans at the start of the gzip data', async () => {
  const layer = Buffer.concat([gzipSync(''), gzipSync(concat(file('a'), TAR_END))]);
  const { ztoc } = await buildZtoc([layer]);
  expect(findRuntimeProblems(ztoc)).toMatchObject([{ code: 'empty-span', effect: 'pulled-whole', count: 1 }]);
});

it('sorts entries by offset first, like the runtime', async () => {
  const { ztoc } = await buildZtoc([gzipSync(concat(file('a'), link('b', 'a'), TAR_END))]);
  const reversed = decodeZtoc(encodeZtoc({ ...ztoc, files: ztoc.files.toReversed() }));
  expect(findRuntimeProblems(reversed)).toEqual([]);
});

it('does not need much memory for names with many directories', async () => {
  // PAX names of 60 KB contain 30,000 directories each.
  const deep = Array.from({ length: 40 }, (_, i) =>
    concat(paxHeader([['path', `${i}/${'d/'.repeat(30_000)}x`]]), file('x', '')),
  );
  const { files } = await scanTar(streamOf(concat(...deep, link('b', 'missing'), TAR_END)));
  const { ztoc } = await buildZtoc([gzipSync(concat(file('a'), TAR_END))]);
  const before = process.memoryUsage().arrayBuffers;
  findRuntimeProblems({ ...ztoc, files });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
});

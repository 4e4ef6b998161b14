import { base256, concat, type HeaderFields, paxHeader, TAR_END, tarEntry } from '@soci/test-content';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildZtocOptions, buildZtoc, ZtocError } from '../index.ts';

/** Builds the zTOC of a tar archive. */
async function build(tar: Uint8Array, options: BuildZtocOptions = {}) {
  try {
    const { bytes, runtime, ztoc } = await buildZtoc([tar], { compression: 'uncompressed', ...options });
    return { bytes, runtime, size: ztoc.uncompressedArchiveSize };
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    return { code: error.code, message: error.message, offset: error.offset };
  }
}

/** Expects the same result or error with and without a fast path for plain entries. */
async function expectSame(tar: Uint8Array, options: BuildZtocOptions = {}) {
  const names: string[] = [];
  const all = await build(tar, { ...options, onEntry: ({ name, type }) => names.push(`${type} ${Buffer.from(name)}`) });
  expect(await build(tar, options)).toEqual(all);
  const some: string[] = [];
  const mixed = await build(tar, {
    ...options,
    onEntry: ({ name, type }) => some.push(`${type} ${Buffer.from(name)}`),
    onPlainEntry: (type, memory, start, end) => some.push(`${type} ${Buffer.from(memory.subarray(start, end))}`),
  });
  expect(mixed).toEqual(all);
  expect(some).toEqual(names);
  return all;
}

const names = ['a', 'd/', 'd/a', './d/b', 'd/../e', 'd/e/f', '', '/', '..', '.d/.wh.a', 'n'.repeat(100)];
const anySize = fc.constantFrom(0, 0, 1, 511, 512, 513);
/** Bytes that replace others in a header: often invalid, or with another meaning. */
const anyPatch = fc.tuple(fc.nat(500), fc.constantFrom('\0', ' ', '0', '7', '9', '/', '\0\0\0\0\0', '       '));
const anyHeader = fc.record({
  format: fc.constantFrom('ustar', 'gnu', 'ustar', 'gnu', 'star', 'v7'),
  name: fc.constantFrom(...names),
  prefix: fc.constantFrom('', '', '', 'prefix', 'p/'.repeat(77)),
  type: fc.constantFrom('0', '0', '0', '1', '2', '5', '3', '6', '\0', '7', 'g'),
  linkName: fc.constantFrom('', 'a', 'd/a', '/d/../d/a', 'missing', 'l'.repeat(100)),
  mode: fc.constantFrom(0o644, 0, 0o100755, 0o40755, 0o7777777, '', base256(-1n, 8)),
  modTime: fc.oneof(
    fc.nat(2 ** 31),
    fc.constantFrom(0, 86_399, 951_782_400, 8 ** 11 - 1, '777777777777', base256(-1n, 12)),
  ),
  uid: fc.constantFrom(0, 0, 1000, base256(2n ** 32n, 8)),
  devMinor: fc.constantFrom(0, 0, 7, ''),
  userName: fc.constantFrom('root', '', 'u'.repeat(32)),
  patches: fc.array(anyPatch, { maxLength: 2 }),
});
/** Bodies of PAX headers, of which most are invalid. */
const anyRecords = fc
  .array(
    fc.constantFrom(
      '9 path=a\n',
      '14 path=d/b/c\n',
      '16 linkpath=./a\n',
      '16 linkpath=./a\n',
      '9 path=b\n',
      '8 path=\n',
      '09 path=a\n',
      '9 path=\0\n',
      '9 path=a\n\0',
      '10 path=a\n',
      '9 Path=a\n',
      '3 \n',
      '11 mtime=1\n',
      '5 a=\n',
      '9 path a\n',
    ),
    { maxLength: 3 },
  )
  .map((records) => records.join(''));
const anyEntry = fc
  .tuple(
    anyHeader,
    anySize,
    fc.constantFrom('nothing', 'nothing', 'name', 'link', 'names', 'names', 'raw', 'both', 'records', 'size', 'sparse'),
    anyRecords,
  )
  .map(([fields, size, before, raw]) => {
    const long = (type: string, text: string) => tarEntry({ format: 'gnu', name: '././@LongLink', type }, `${text}\0`);
    const extensions = {
      nothing: [],
      name: [long('L', `${fields.name}/${'long'.repeat(size)}`)],
      link: [long('K', fields.linkName), long('L', fields.name)],
      records: [long('L', 'long'), paxHeader([['mtime', '1.5']])],
      names: [
        paxHeader(
          [
            ['linkpath', fields.linkName || 'd/a'],
            ['path', `./${fields.name}`],
          ].slice(size % 2) as [string, string][],
        ),
      ],
      both: [paxHeader([['path', 'd/a']]), long('L', 'd/'), paxHeader([['path', 'x'.repeat(size * 9)]])],
      raw: [tarEntry({ name: 'pax', type: 'x' }, raw)],
      size: [paxHeader([['size', '0']])],
      sparse: [
        paxHeader([
          ['GNU.sparse.size', '9'],
          ['GNU.sparse.map', '0,1'],
        ]),
      ],
    };
    return concat(
      ...extensions[before as keyof typeof extensions],
      tarEntry({ ...fields } as HeaderFields, 'x'.repeat(size)),
    );
  });

describe('plain entries', () => {
  it('have the same result and errors as all entries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry, { maxLength: 12 }), fc.nat(1), async (entries, end) => {
        await expectSame(concat(...entries, end === 0 ? TAR_END : new Uint8Array(0)));
      }),
      { seed: 20_261_130, numRuns: 2000 },
    );
  });

  it('are ordinary files, directories and links, also with long names', async () => {
    const name = `d/${'n'.repeat(200)}`;
    const tar = concat(
      tarEntry({ name: 'd/', type: '5' }),
      tarEntry({ format: 'gnu', name: '././@LongLink', type: 'L' }, `${name}\0`),
      tarEntry({ format: 'gnu', name: 'd/n' }, 'content'),
      paxHeader([
        ['linkpath', name],
        ['path', `${name}.link`],
      ]),
      tarEntry({ name: 'd/n', type: '1' }),
      tarEntry({ prefix: 'd', name: 'link', type: '2', linkName: 'n' }),
      tarEntry({ name: 'null', type: '3', devMajor: 1, devMinor: 3 }),
      TAR_END,
    );
    const plain: string[] = [];
    await buildZtoc([tar], {
      onEntry: ({ name }) => expect.unreachable(`${name}`),
      onPlainEntry: (type, memory, start, end) => plain.push(`${type} ${Buffer.from(memory.subarray(start, end))}`),
    });
    expect(plain).toEqual(['dir d/', `reg ${name}`, `hardlink ${name}.link`, 'symlink d/link', 'char null']);
    await expectSame(tar);
  });

  it('count against each limit in the same way', async () => {
    const record = paxHeader([['path', 'd/long']]);
    const tar = concat(
      ...names.map((name) => concat(record, tarEntry({ name, linkName: 'link' }), tarEntry({ name }))),
      TAR_END,
    );
    for (let limit = 0; limit < 1200; limit += 7) {
      for (const limits of [{ maxEntries: limit }, { maxMetadataSize: limit }, { maxZtocSize: limit }]) {
        await expectSame(tar, { limits });
      }
    }
  });
});

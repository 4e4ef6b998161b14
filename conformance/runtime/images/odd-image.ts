// An image with everything that a layer may contain and a lazy file system may show differently.
import { Random, toBytes } from '@soci/test-content';
import { type Entry, makeText, packArchive } from './entries.ts';

/** Capabilities of a program as the kernel stores them, revision 2 (linux/capability.h). */
const CAPABILITY = Buffer.from('0100000200240000000000000000000000000000', 'hex');

/** Names that programs handle wrongly, each with the content of its file. */
const NAMES: ReadonlyArray<readonly [name: string | Uint8Array, content: string]> = [
  ['n'.repeat(255), 'as long as possible'],
  [`${Array.from({ length: 8 }, () => 'deep'.repeat(20)).join('/')}/leaf`, 'deep'],
  ['üñí-日本語-😀', 'unicode'],
  ['with space and\ttab', 'white space'],
  ['new\nline', 'new line'],
  ['back\\slash', 'backslash'],
  ['quote"\'', 'quotes'],
  ['.hidden', 'hidden'],
  ['-dash', 'dash'],
  ['whfoo.wh.', 'not a whiteout'],
];

/** PAX: attributes, devices, links, names, times, and what the next layers remove. */
function baseLayer(random: Random): Entry[] {
  const folders = [
    'data',
    'small',
    'bin',
    'x',
    'dev',
    'l',
    'l/sub',
    'names',
    'opq',
    'opq/keepgone',
    'opq/keepgone/sub',
  ];
  folders.push('wh', 'whdir', 'whdir/x', 'type', 'type/dirtofile', 'type/dirtofile/z', 'times');
  return [
    { path: './', type: 'folder' },
    ...folders.map((path): Entry => ({ path: `./${path}/`, type: 'folder', time: 1_650_000_000 })),
    { path: './emptydir/', type: 'folder', mode: 0o700 },
    { path: './tmp/', type: 'folder', mode: 0o1777 },
    ...Array.from({ length: 8 }, (_, i): Entry => {
      const content = makeText(random, 300_000 + 70_001 * i);
      return { path: `./data/text${i}.txt`, content, owner: [1000 + i, 100] };
    }),
    { path: './data/noise.bin', content: random.bytes(1_504_097), mode: 0o600 },
    { path: './data/zeros.bin', content: new Uint8Array(3_000_000) },
    ...[0, 1, 511, 512, 513].map((size): Entry => ({ path: `./data/block${size}`, content: 'y'.repeat(size) })),
    ...Array.from({ length: 17 }, (_, i): Entry => ({ path: `./small/d${i}/`, type: 'folder' })),
    ...Array.from({ length: 200 }, (_, i): Entry => {
      const id = random.pick([0, 33, 1000, 65534]);
      return {
        path: `./small/d${i % 17}/f${i}.txt`,
        content: makeText(random, random.between(0, 3000)),
        mode: random.pick([0o644, 0o640, 0o755, 0o400]),
        owner: [id, id],
        time: 1_500_000_000 + i,
      };
    }),
    { path: './bin/setuid', content: '#!/bin/sh\n', mode: 0o4755 },
    { path: './bin/setgid', content: '#!/bin/sh\n', mode: 0o2755, owner: [0, 50] },
    { path: './bin/noperm', content: 'secret', mode: 0 },
    { path: './bin/capable', content: random.bytes(3000), mode: 0o755, xattrs: { 'security.capability': CAPABILITY } },
    { path: './bin/replaced', content: 'old', mode: 0o755, xattrs: { 'security.capability': CAPABILITY } },
    {
      path: './x/user',
      content: 'attributes',
      xattrs: {
        'user.plain': 'hello',
        'user.bin': Buffer.from('00ff10deadbeef00', 'hex'),
        'user.long': 'L'.repeat(2000),
        'trusted.t1': 'tt',
      },
    },
    { path: './x/one', content: 'one attribute', xattrs: { 'user.one': '1' } },
    { path: './x/folder/', type: 'folder', xattrs: { 'user.folder': 'd' } },
    { path: './dev/null', type: 'character', device: [1, 3], mode: 0o666 },
    { path: './dev/blk', type: 'block', device: [8, 17], mode: 0o600 },
    { path: './dev/bigminor', type: 'character', device: [250, 70_000], mode: 0o640 },
    { path: './dev/fifo', type: 'fifo', mode: 0o622 },
    { path: './l/rel', type: 'symlink', target: '../data/block1', mode: 0o777 },
    { path: './l/abs', type: 'symlink', target: '/data/text0.txt', mode: 0o777 },
    { path: './l/dangling', type: 'symlink', target: 'nowhere', mode: 0o777 },
    { path: './l/longtarget', type: 'symlink', target: `/${'verylong/'.repeat(40)}end`, mode: 0o777 },
    { path: './l/dot', type: 'symlink', target: '.', mode: 0o777 },
    { path: './l/loop', type: 'symlink', target: 'loop', mode: 0o777 },
    ...['h1', 'h2', 'sub/h3'].map((name): Entry => {
      return { path: `./l/${name}`, type: 'link', target: './data/text1.txt', owner: [1001, 100] };
    }),
    { path: './l/hcap', type: 'link', target: './bin/capable', mode: 0o755 },
    { path: './l/hsym', type: 'link', target: './l/rel', mode: 0o777 },
    ...deepFolders('./names/', NAMES[1]?.[0] as string),
    ...NAMES.map(([name, content]): Entry => ({ path: `./names/${name}`, content })),
    { path: Buffer.concat([toBytes('./names/latin1-'), Buffer.from([0xe9, 0xff])]), content: 'not UTF-8' },
    { path: './opq/gone1', content: 'gone' },
    { path: './opq/keepgone/sub/gone2', content: 'gone' },
    { path: './wh/removed', content: 'gone' },
    { path: './wh/stays', content: 'stays' },
    { path: './whdir/x/y', content: 'gone' },
    { path: './type/filetodir', content: 'file' },
    { path: './times/epoch', content: 'epoch', time: 0 },
    { path: './times/before-epoch', content: 'before', time: -86_400 * 365 },
    { path: './times/after-2038', content: 'after', time: 2 ** 31 + 5 },
    { path: './times/year2100', content: '2100', time: 4_102_444_800 },
    { path: './times/nanoseconds', content: 'ns', time: '1700000000.123456789' },
  ];
}

function deepFolders(root: string, path: string): Entry[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => ({ path: `${root}${parts.slice(0, i + 1).join('/')}/`, type: 'folder' }));
}

/** GNU: long names in their own entries, whiteouts, and files and folders that replace others. */
function whiteoutLayer(random: Random): Entry[] {
  const long = `${Array.from({ length: 4 }, () => 'x'.repeat(60)).join('/')}/long-gnu-name`;
  return [
    { path: 'b/', type: 'folder' },
    ...Array.from({ length: 3 }, (_, i): Entry => {
      return { path: `b/text${i}.txt`, content: makeText(random, 600_000), owner: [5, 6] };
    }),
    { path: 'opq/', type: 'folder' },
    { path: 'opq/.wh..wh..opq' },
    { path: 'opq/new', content: 'new in an opaque folder' },
    { path: 'wh/', type: 'folder' },
    { path: 'wh/.wh.removed' },
    { path: '.wh.whdir' },
    { path: 'type/', type: 'folder' },
    { path: 'type/.wh.filetodir' },
    { path: 'type/dirtofile', content: 'was a folder' },
    { path: 'data/', type: 'folder' },
    { path: 'data/text2.txt', content: makeText(random, 200_000), mode: 0o751, owner: [77, 78] },
    { path: 'small/', type: 'folder' },
    { path: 'small/d3/', type: 'folder', mode: 0o711, owner: [9, 9] },
    { path: 'small/d3/.wh.f3.txt' },
    { path: 'n/', type: 'folder' },
    ...deepFolders('n/', long),
    { path: `n/${long}`, content: 'long' },
    { path: 'n/longlink', type: 'symlink', target: `/${'y'.repeat(200)}`, mode: 0o777 },
    { path: 'n/hardlong', type: 'link', target: `n/${long}` },
    { path: 'bin/', type: 'folder' },
    { path: 'bin/replaced', content: 'new, without capability', mode: 0o755 },
  ];
}

/** Folders without entries, a file twice, large owners, fractions of seconds, and unusual prefixes. */
function unusualLayer(random: Random): Entry[] {
  return [
    { path: 'implicit/a/b/c/file', content: 'implicit parents' },
    { path: './implicit/dotslash', content: 'dot slash' },
    { path: '/implicit/slash', content: 'leading slash' },
    { path: 'twice', content: 'first version' },
    { path: 'twice', content: 'second and last version', mode: 0o755 },
    { path: 'bigid', content: 'big', owner: [3_000_000_000, 2_999_999_999] },
    { path: 'fraction', content: 'ns', time: '1600000000.987654321' },
    { path: 'c/', type: 'folder', mode: 0o1755 },
    { path: 'c/text', content: makeText(random, 1_500_000) },
    { path: 'c/hard', type: 'link', target: 'c/text' },
    { path: 'c/hard2', type: 'link', target: './c/text' },
    { path: 'c/attribute', content: 'PAX record', xattrs: { 'user.hand': 'made' } },
  ];
}

/** ustar, for an uncompressed layer. */
function plainLayer(random: Random): Entry[] {
  return [
    { path: './d/', type: 'folder' },
    ...Array.from({ length: 3 }, (_, i): Entry => ({ path: `./d/text${i}.txt`, content: makeText(random, 500_000) })),
    { path: './d/exec', content: '#!/bin/sh\necho hi\n', mode: 0o755 },
    { path: './type/', type: 'folder' },
    { path: './type/filetodir/', type: 'folder' },
    { path: './type/filetodir/now-a-folder', content: 'd' },
  ];
}

/** Returns the archives of the image, lowest layer first. */
export function makeOddArchives(): { readonly base: Uint8Array; readonly upper: readonly Uint8Array[] } {
  const random = new Random(7);
  return {
    base: packArchive('pax', baseLayer(random)),
    upper: [
      packArchive('gnu', whiteoutLayer(random)),
      packArchive('pax', unusualLayer(random)),
      packArchive('ustar', plainLayer(random)),
    ],
  };
}

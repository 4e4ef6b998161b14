import type { Random } from '@soci/test-content';
import { EMPTY, randomContent } from './content.ts';
import { randomCorruption } from './corruption.ts';
import {
  type Dialect,
  FIELDS,
  type FieldName,
  formatTarNumber,
  type NumberStyle,
  randomName,
  type TarEntry,
  type TarShape,
} from './tar.ts';
import { randomOddity } from './tar-oddity.ts';

/** Probability that an archive is corrupted. Most must be valid, or the run would compare only rejections. */
const CORRUPTED = 0.06;
/** Probability that an archive contains an entry with an unusual format. */
const ODD = 0.3;
/** Probability that the entries of an archive have few paths, so that they replace and link each other. */
const CROWDED = 0.2;

/** Returns a random archive with contents of about `size` bytes. Some have an oddity, some are corrupted. */
export function randomTar(random: Random, size: number): TarShape {
  const sound = soundTar(random, size);
  const entries = random.chance(CROWDED) ? crowd(random, sound.entries) : [...sound.entries];
  if (random.chance(ODD)) entries.splice(random.between(0, entries.length), 0, randomOddity(random));
  return {
    entries,
    endBlocks: random.weighted([
      [20, 2],
      [3, 20],
      [2, 1],
      [2, 0],
      [1, random.between(3, 100)],
    ]),
    after: random.chance(0.06) ? randomContent(random, random.magnitude(1, 5000)) : EMPTY,
    corruptions: random.chance(CORRUPTED) ? [randomCorruption(random)] : [],
  };
}

/** Returns a valid archive, like those of common writers. */
export function soundTar(random: Random, size: number): TarShape {
  const count = random.weighted([
    [1, 0],
    [2, 1],
    [12, random.magnitude(1, 12)],
    [6, random.magnitude(5, 150)],
    [1, random.magnitude(100, 1500)],
  ]);
  const dialects = random.weighted<readonly Dialect[]>([
    [4, ['ustar']],
    [4, ['gnu']],
    [1, ['v7']],
    [1, ['star']],
    [2, ['ustar', 'gnu', 'v7', 'star']],
  ]);
  let left = size;
  const entries = random.list(count, () => {
    const entry = randomEntry(random, random.pick(dialects), Math.min(left, random.magnitude(0, (4 * size) / count)));
    left -= entry.content.size;
    return entry;
  });
  return { entries, endBlocks: 2, after: EMPTY, corruptions: [] };
}

function randomEntry(random: Random, dialect: Dialect, size: number): TarEntry {
  const type = random.weighted([
    [30, '0'],
    [1, '\0'],
    [6, '5'],
    [4, '2'],
    [3, '1'],
    [1, '3'],
    [1, '4'],
    [1, '6'],
  ]);
  const isLink = type === '1' || type === '2';
  const isDevice = type === '3' || type === '4';
  const usesPax = dialect === 'ustar' && random.chance(0.35);
  return {
    dialect,
    type,
    name: randomName(random) + (type === '5' && random.chance(0.8) ? '/' : ''),
    ...(isLink && { linkName: randomName(random) }),
    ...(random.chance(0.4) && {
      userName: random.pick(['root', 'node', 'r\xf6\xf6t', 'u'.repeat(32), 'u'.repeat(31)]),
    }),
    ...(random.chance(0.4) && { groupName: random.pick(['root', 'wheel', '\xff\xfe', 'g'.repeat(32)]) }),
    fields: randomFields(random, isDevice),
    ...(random.chance(0.1) && { sizeStyle: randomStyle(random) }),
    longNames: random.weighted([
      [3, dialect === 'gnu' ? 'gnu' : 'prefix'],
      [1, 'cut'],
    ]),
    ...(usesPax && { pax: randomPax(random) }),
    content: type === '0' || type === '\0' ? randomContent(random, size) : EMPTY,
    ...(random.chance(0.03) && { signedChecksum: true }),
    ...(random.chance(0.03) && { padding: 'padding that is not zeros' }),
  };
}

/** Gives the entries few paths. Makes many of them directories, and hard links that mostly have an earlier entry as target. */
function crowd(random: Random, entries: readonly TarEntry[]): TarEntry[] {
  const names: string[] = [];
  return entries.map((entry) => {
    const type = random.weighted([
      [3, entry.type],
      [2, '1'],
      [2, '5'],
    ]);
    const target = names.length > 0 && random.chance(0.9) ? random.pick(names) : fewPaths(random);
    const name = fewPaths(random) + (type === '5' ? '/' : '');
    names.push(name);
    const isRegular = type === '0' || type === '\0';
    const linkName = type === '1' || type === '2' ? target : '';
    return { ...entry, type, name, linkName, content: isRegular ? entry.content : EMPTY };
  });
}

function fewPaths(random: Random): string {
  const names = random.list(random.pick([1, 1, 1, 2, 2, 3]), () => random.pick(['a', 'a', 'b', 'b', 'c', '.', '..']));
  return random.pick(['', '', './', '/']) + names.join('/');
}

function randomStyle(random: Random): NumberStyle {
  return random.pick(['octal', 'spaces', 'bare', 'base256']);
}

function randomFields(random: Random, isDevice: boolean): Partial<Record<FieldName, string>> {
  const fields: Partial<Record<FieldName, string>> = {};
  const set = (field: FieldName, value: number) => {
    fields[field] = formatTarNumber(
      value,
      FIELDS[field][1],
      random.weighted([
        [8, 'octal'],
        [1, randomStyle(random)],
      ]),
    );
  };
  if (random.chance(0.5)) set('mode', random.pick([0o755, 0o4755, 0o1777, 0o100644, 0, 0o7777777]));
  if (random.chance(0.3))
    set('uid', random.pick([1000, 65534, 0o7777777, 2_097_152, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1]));
  if (random.chance(0.3)) set('gid', random.pick([1000, 65534, 0o7777777, 2_097_152, 2 ** 31, 2 ** 32 + 7, -2]));
  if (random.chance(0.5))
    set(
      'mtime',
      random.pick([
        0,
        1,
        1_600_000_000,
        0o77777777777,
        2 ** 33,
        253_402_300_799,
        253_402_300_800,
        -1,
        -62_167_219_200,
        -62_167_219_201,
      ]),
    );
  if (isDevice) {
    set('devMajor', random.pick([0, 1, 8, 255, 4095, 0o7777777]));
    set('devMinor', random.pick([0, 3, 255, 1_048_575, 2 ** 24]));
  }
  return fields;
}

function randomPax(random: Random): (readonly [string, string])[] {
  return random.list(random.magnitude(1, 6), () =>
    random.weighted<() => readonly [string, string]>([
      [3, () => ['path', randomName(random)]],
      [1, () => ['linkpath', randomName(random)]],
      [3, () => ['mtime', randomTime(random)]],
      [1, () => [random.pick(['atime', 'ctime']), randomTime(random)]],
      [
        1,
        () => [
          random.pick(['uid', 'gid']),
          random.pick(['0', '1000', '4294967295', '4294967296', '9223372036854775807', '-1']),
        ],
      ],
      [1, () => [random.pick(['uname', 'gname']), random.pick(['', 'root', 'gr\xc3\xbc\xc3\x9fe', '\xff'])]],
      [
        3,
        () => [
          `SCHILY.xattr.${random.pick(['user.a', 'user.b', 'security.capability', 'user.\xff'])}`,
          random.pick(['', 'value', '\x01\0\0\x02\0', 'a=b', 'line\nline']),
        ],
      ],
      [
        1,
        () => [
          random.pick(['comment', 'LIBARCHIVE.creationtime', 'hdrcharset', 'vendor.key']),
          random.pick(['', 'text', 'BINARY']),
        ],
      ],
    ])(),
  );
}

function randomTime(random: Random): string {
  const seconds = random.pick([
    '0',
    '1700000000',
    '1',
    '-1',
    '253402300799',
    '253402300800',
    '-62135596800',
    '9223372036854775807',
  ]);
  return seconds + random.pick(['', '.', '.5', '.000000001', '.123456789', '.1234567890123', '.100', '.0']);
}

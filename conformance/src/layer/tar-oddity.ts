import type { Random } from '@soci/test-content';
import { type Content, EMPTY, randomContent } from './content.ts';
import { FIELDS, type FieldName, formatTarNumber, randomName, type TarEntry } from './tar.ts';

/** Returns an entry with an unusual or invalid format. Every reader rejects half of them. */
export function randomOddity(random: Random): TarEntry {
  const make = random.weighted([
    [3, oddType],
    [6, oddField],
    [7, oddPax],
    [2, oddSize],
    [6, paxSparse],
    [0.5, gnuSparse],
    [4, oddName],
    [0.5, globalHeader],
    [2, strayLongName],
  ]);
  return make(random);
}

function plain(random: Random): TarEntry {
  return {
    dialect: random.pick(['ustar', 'gnu', 'v7', 'star']),
    type: '0',
    name: 'odd',
    content: randomContent(random, random.magnitude(0, 3000)),
  };
}

function oddType(random: Random): TarEntry {
  const type = random.weighted([
    [3, random.pick(['7', 'D', 'M', 'N', 'V', 'S', 'g', 'x', 'L', 'K', 'A', 'X', 'Z', ' ', '\xff'])],
    [2, random.pick(['1', '2', '3', '4', '5', '6'])],
  ]);
  return { ...plain(random), type, name: random.pick(['odd', 'odd/', '']), linkName: random.pick(['', 'target']) };
}

/** Makes a numeric field with other content. */
function oddField(random: Random): TarEntry {
  const field = random.pick(Object.keys(FIELDS) as FieldName[]);
  const [, width] = FIELDS[field];
  const text = random.pick([
    '',
    ' ',
    '\0',
    '8',
    'x',
    '-1',
    '7'.repeat(width),
    ' 17 17\0',
    ` ${'0'.repeat(Math.max(0, width - 2))}`,
    '17\x0017',
    '\0\x0017',
    `\x80${'\0'.repeat(width - 1)}`,
    '\xff'.repeat(width),
    `\x80${'\xff'.repeat(width - 1)}`,
    `\xbf${'\xff'.repeat(width - 1)}`,
    formatTarNumber(random.uint32() * random.uint32(), width, 'base256'),
  ]);
  return { ...plain(random), fields: { [field]: text } };
}

/** Makes PAX records that are malformed, repeated, empty, out of range, or contradict the header. */
function oddPax(random: Random): TarEntry {
  const size = random.magnitude(0, 2000);
  const records = random.pick<readonly (readonly [string, string] | string)[]>([
    [['size', String(size)]],
    [['size', random.pick(['-1', '', 'x', '9223372036854775807', '9223372036854775808', '1e3', ' 5'])]],
    [['path', '']],
    [['path', 'nul\0inside']],
    [['path', 'dir/']],
    [['linkpath', 'nul\0inside']],
    [['uname', 'nul\0inside']],
    [['SCHILY.xattr.user.nul\0', 'x']],
    [['SCHILY.xattr.user.value', 'nul\0inside']],
    [['', 'no key']],
    [['key=with=equals', 'x']],
    [['mtime', random.pick(['', '.', '1.x', '-1.5', '--1', '+1', '1.5.5', ' 1', '0x10'])]],
    [['uid', random.pick(['', '-5', '99999999999999999999', '1.5', '+7', '007'])]],
    [
      ['path', 'first'],
      ['path', 'second'],
    ],
    [
      ['path', 'first'],
      ['path', ''],
    ],
    ['0 path=x\n'],
    ['5 path=x\n'],
    ['999999999 path=x\n'],
    ['10 path=xxx'],
    ['11 path=xx\nx'],
    ['x path=x\n'],
    ['9 path=x\n\0\0\0\0\0\0'],
    [' 9 path=x\n'],
    ['+9 path=x\n', ['comment', 'x']],
    ['6 path\n'],
    ['\n'],
    [['big', 'x'.repeat(random.pick([5000, 100_000, 1_048_560, 1_048_576, 1_100_000]))]],
    [],
  ]);
  const content: Content = randomContent(random, size);
  return { ...plain(random), pax: records, content, type: random.pick(['0', '0', '0', '5', '2', '1']) };
}

/** Makes an entry whose size differs from that of its body. */
function oddSize(random: Random): TarEntry {
  const value = random.pick([0, 1, 511, 512, 513, 1e6, 2 ** 33, 2 ** 40, 2 ** 62, -1]);
  return {
    ...plain(random),
    type: random.pick(['0', '5', '2', '1', '3', '6']),
    fields: { size: formatTarNumber(value, 12, random.pick(['octal', 'base256'])) },
  };
}

/**
 * Makes GNU sparse files in the three PAX formats, with maps that are valid, unordered, overlapping, truncated or
 * absurd.
 */
function paxSparse(random: Random): TarEntry {
  let end = 0;
  const map = random.list(random.magnitude(0, 8), () => {
    const offset = end + random.magnitude(0, 100_000);
    const length = random.magnitude(0, 2000);
    end = offset + length;
    return [offset, length] as [number, number];
  });
  const stored = map.reduce((sum, [, length]) => sum + length, 0);
  let realSize = String(end + random.magnitude(0, 10_000));
  if (map.length > 0 && random.chance(0.25)) {
    const spoilt = random.pick(map);
    spoilt[random.between(0, 1)] = random.pick([0, -1, 2 ** 53, 1]);
  }
  if (random.chance(0.1)) realSize = random.pick(['0', '-1', 'x', '', '9223372036854775807']);
  const numbers = map.flat().map(String);
  const entry = {
    ...plain(random),
    dialect: 'ustar' as const,
    content: randomContent(random, Math.max(0, stored + random.pick([0, 0, 0, 0, 1, -1]))),
  };
  const name = ['GNU.sparse.name', randomName(random)] as const;
  switch (random.pick(['0.0', '0.1', '1.0'])) {
    case '0.0':
      return {
        ...entry,
        pax: [
          ['GNU.sparse.size', realSize],
          ['GNU.sparse.numblocks', String(map.length)],
          ...map.flatMap(
            ([offset, length]) =>
              [
                ['GNU.sparse.offset', String(offset)],
                ['GNU.sparse.numbytes', String(length)],
              ] as const,
          ),
        ],
      };
    case '0.1':
      return {
        ...entry,
        pax: [
          ['GNU.sparse.size', realSize],
          ['GNU.sparse.numblocks', String(map.length)],
          ['GNU.sparse.map', numbers.join(',')],
          name,
        ],
      };
    default: {
      const text = `${[String(map.length), ...numbers].join('\n')}\n`;
      const blocks = text.padEnd(Math.ceil(text.length / 512) * 512, '\0');
      return {
        ...entry,
        pax: [
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.minor', random.pick(['0', '0', '0', '1'])],
          name,
          ['GNU.sparse.realsize', realSize],
        ],
        bodyPrefix: random.chance(0.1) ? text : blocks,
      };
    }
  }
}

/** Makes an entry of the old GNU sparse type, which a zTOC cannot represent. */
function gnuSparse(random: Random): TarEntry {
  return {
    ...plain(random),
    dialect: random.pick(['gnu', 'gnu', 'ustar']),
    type: 'S',
    fields: {
      gnuSparse: [0, 512, 4096, 512].map((value) => formatTarNumber(value, 12)).join(''),
      gnuExtended: random.pick(['\0', '\x01']),
      gnuRealSize: formatTarNumber(8192, 12),
    },
    content: { kind: 'text', size: 1024, seed: random.uint32() },
  };
}

function oddName(random: Random): TarEntry {
  const name = random.pick([
    '',
    '/',
    '.',
    './',
    '..',
    '\0hidden',
    'a\0b',
    '\xff\xfe\xfd',
    'x'.repeat(100),
    `${'x'.repeat(99)}/`,
    'dir/',
    '\n',
    ' ',
  ]);
  return {
    ...plain(random),
    name,
    type: random.pick(['0', '\0', '1', '2', '5']),
    linkName: random.pick(['', name, 'a\0b']),
  };
}

function globalHeader(random: Random): TarEntry {
  return {
    ...plain(random),
    dialect: 'ustar',
    pax: [
      random.pick([
        ['path', 'global'],
        ['mtime', '5'],
      ] as const),
    ],
    paxType: 'g',
  };
}

/** Makes a GNU long name that is empty, has no NUL, or is followed by another long name or by no entry. */
function strayLongName(random: Random): TarEntry {
  return {
    dialect: 'gnu',
    type: random.pick(['L', 'K']),
    name: '././@LongLink',
    bodyPrefix: random.pick(['', '\0', 'name', 'name\0', 'name\0more', 'dir/\0', 'x'.repeat(600)]),
    content: EMPTY,
  };
}

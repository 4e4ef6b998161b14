import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SociIndexError } from '../errors.ts';
import { encodeProfile, parseProfile } from './parse-profile.ts';
import { MAX_PROFILE_SIZE, type StartProfile } from './start-profile.ts';

const parse = (text: string) => parseProfile(Buffer.from(text));
const paths = (text: string) => parse(text).files.map(({ path }) => path);
const json = (value: unknown) => JSON.stringify(value);
const withFiles = (...files: unknown[]) => json({ schemaVersion: 1, files });

function failure(content: string | Uint8Array, name?: string): string {
  try {
    parseProfile(typeof content === 'string' ? Buffer.from(content) : content, name);
  } catch (error) {
    if (!(error instanceof SociIndexError)) throw error;
    expect(error.code).toBe('PROFILE_INVALID');
    return error.message;
  }
  throw new Error('the profile was accepted');
}

describe('a profile in plain text', () => {
  it('has one path per line, sorted in the result', () => {
    expect(parse('/usr/bin/python3.11\n/lib/ld.so\n')).toEqual({
      files: [{ path: '/lib/ld.so' }, { path: '/usr/bin/python3.11' }],
    });
  });

  it.each([
    ['comments', '# python\n/a\n  # another\n/b'],
    ['CRLF', '/a\r\n/b\r\n'],
    ['a byte order mark', '\ufeff/a\n/b'],
    ['blank lines', '\n\n/a\n \t\n/b\n\n'],
    ['white space around paths', ' /a\n\t/b \n'],
    ['no line break at the end', '/a\n/b'],
    ['duplicate paths', '/a\n/b\n/a\na\n'],
  ])('may have %s', (_, text) => {
    expect(paths(text)).toEqual(['/a', '/b']);
  });

  it.each([
    ['usr/bin/app', '/usr/bin/app'],
    ['./usr/bin/app', '/usr/bin/app'],
    ['/usr/lib/../bin/./app', '/usr/bin/app'],
    ['../../etc/passwd', '/etc/passwd'],
    ['/usr//bin/app', '/usr/bin/app'],
    ['/usr/lib/', '/usr/lib'],
    ['/a b', '/a b'],
    ['/a#b', '/a#b'],
    ['/ü', '/ü'],
    ['/c\\d', '/c\\d'],
    ['/tab\there\u001b[31m', '/tab\there\u001b[31m'],
  ])('reads %j as %j', (line, path) => {
    expect(paths(line)).toEqual([path]);
  });

  it.each([
    ['a NUL character', '/a\n/b\0c', 'profile, line 2: path "/b\\x00c" has a NUL character'],
    ['the root directory', '/a\n..\n', 'profile, line 2: path ".." is not the path of a file'],
    [
      'a table of predicted files',
      'FILE  READ  SIZE  WHY\n/a  1 B  1 B  program\n',
      'line 1: the table of "profile predict"',
    ],
    ['a path of 5,000 bytes', `# long\n/${'x'.repeat(4999)}`, 'has 5000 bytes, more than the limit of 4096'],
  ])('fails for %s', (_, text, message) => {
    expect(failure(text)).toContain(message);
  });

  it('fails with the line and the name of the file if it is not UTF-8', () => {
    const message = 'start.txt, line 2: not UTF-8. Save the file with this encoding.';
    expect(failure(Buffer.from('/ok\n/\xff\n', 'latin1'), 'start.txt')).toBe(message);
    expect(failure(Buffer.from('/ok\n/a\n', 'utf16le'), 'start.txt')).toContain('NUL');
    expect(failure(Buffer.from('\ufeff/ok\n', 'utf16le'), 'start.txt')).toContain('line 1: not UTF-8');
  });

  it.each(['', '\n\n', '# only comments\n', '\ufeff'])('fails if it names no file: %j', (text) => {
    expect(failure(text)).toBe('profile names no file. List the files that the start reads.');
  });
});

describe('a profile in JSON', () => {
  it('has files with ranges, and an origin', () => {
    const file = { path: '/usr/bin/python3.11', ranges: [{ offset: 0, length: 4096 }] };
    const text = json({ schemaVersion: 1, origin: 'recorded', files: [file, { path: '/a' }] });
    expect(parse(text)).toEqual({ origin: 'recorded', files: [{ path: '/a' }, file] });
  });

  it('may start with a byte order mark and white space', () => {
    expect(paths(`\ufeff \r\n${withFiles({ path: '/a' })}`)).toEqual(['/a']);
  });

  it('may have fields of later versions, and another origin', () => {
    const text = json({
      schemaVersion: 1,
      origin: 'guessed',
      image: { digest: 'x' },
      files: [{ path: '/a', mode: 7, ranges: [{ offset: 1, length: 2, count: 3 }] }],
    });
    expect(parse(text)).toEqual({ files: [{ path: '/a', ranges: [{ offset: 1, length: 2 }] }] });
  });

  it('merges ranges that overlap or are adjacent, also of duplicate paths', () => {
    const text = withFiles(
      {
        path: '/a',
        ranges: [
          { offset: 10, length: 5 },
          { offset: 0, length: 4 },
          { offset: 2, length: 2 },
        ],
      },
      {
        path: 'a',
        ranges: [
          { offset: 4, length: 1 },
          { offset: 12, length: 10 },
        ],
      },
      { path: '/b', ranges: [{ offset: 0, length: 1 }] },
      { path: '/b' },
    );
    const ranges = [
      { offset: 0, length: 5 },
      { offset: 10, length: 12 },
    ];
    expect(parse(text).files).toEqual([{ path: '/a', ranges }, { path: '/b' }]);
  });

  it.each([
    ['2', 'schemaVersion: 2 is not supported, this version of soci-index reads 1. Upgrade soci-index'],
    ['"1"', 'schemaVersion: "1" is not supported, this version of soci-index reads 1. Set "schemaVersion": 1.'],
    ['1.5', 'schemaVersion: 1.5 is not supported'],
    ['null', 'schemaVersion: null is not supported'],
    ['"\\u001b[31m"', 'schemaVersion: "\\x1b[31m" is not supported'],
  ])('fails for the schema version %s, and names it', (version, message) => {
    expect(failure(`{"schemaVersion":${version},"files":[{"path":"/a"}]}`)).toContain(`profile, ${message}`);
  });

  it('fails without a schema version', () => {
    expect(failure('{"files":[]}')).toContain('profile, schemaVersion: nothing is not supported');
    const inside = failure('{"outcome":"recorded","profile":{"schemaVersion":1,"files":[{"path":"/a"}]}}');
    expect(inside).toBe('profile, profile: contains the profile. Save only the value of this field.');
  });

  const range = (offset: unknown, length: unknown) => withFiles({ path: '/a', ranges: [{ offset, length }] });

  it.each([
    ['syntax', '{"schemaVersion":1', 'profile is not valid JSON: '],
    ['a list', '["/a"]', 'profile is a JSON list, expected an object such as {"schemaVersion":1,'],
    ['no files', '{"schemaVersion":1}', 'profile, files: must be a list, got nothing'],
    ['an empty list', withFiles(), 'profile names no file'],
    ['a file that is a string', withFiles('/a'), 'profile, files[0]: must be an object with a path, got "/a"'],
    ['a path that is a number', withFiles({ path: '/a' }, { path: 5 }), 'files[1].path: must be a string, got 5'],
    ['an empty path', withFiles({ path: '' }), 'files[0]: path "" is not the path of a file'],
    ['a NUL character', withFiles({ path: '/a\0' }), 'files[0]: path "/a\\x00" has a NUL character'],
    ['half a surrogate pair', '{"schemaVersion":1,"files":[{"path":"/\\ud800"}]}', 'is not valid Unicode'],
    ['ranges of another type', withFiles({ path: '/a', ranges: 'all' }), 'files[0].ranges: must be a list, got "all"'],
    ['no ranges', withFiles({ path: '/a', ranges: [] }), 'files[0].ranges: empty. Remove the file'],
    [
      'a range of another type',
      withFiles({ path: '/a', ranges: [[0, 1]] }),
      'must be an object with offset and length',
    ],
    [
      'a negative offset',
      range(-1, 5),
      'files[0].ranges[0].offset: must be an integer from 0 to 9007199254740991, got -1',
    ],
    ['a length of 0', range(0, 0), 'files[0].ranges[0].length: must be an integer from 1'],
    ['a huge length', range(0, 2 ** 60), 'files[0].ranges[0].length: must be an integer from 1'],
    ['a huge end', range(2 ** 53 - 1, 2 ** 53 - 1), 'files[0].ranges[0]: ends after byte 9007199254740991'],
    ['a fraction', range(0.5, 1), 'got 0.5'],
    [
      'an infinite number',
      '{"schemaVersion":1,"files":[{"path":"/a","ranges":[{"offset":0,"length":1e999}]}]}',
      'got Infinity',
    ],
    ['a number in a string', range('0', 1), 'files[0].ranges[0].offset: must be a number, got "0"'],
    ['a missing length', withFiles({ path: '/a', ranges: [{ offset: 0 }] }), '.length: must be a number, got nothing'],
  ])('fails for %s, with the field', (_, text, message) => {
    expect(failure(text)).toContain(message);
  });

  it('does not mistake __proto__ for a field', () => {
    expect(failure('{"__proto__":{"schemaVersion":1,"files":[{"path":"/a"}]}}')).toContain('schemaVersion: nothing');
  });
});

describe('a profile that is too large', () => {
  it('fails before it is parsed', () => {
    const lines = Array.from({ length: 1_000_000 }, (_, index) => `/usr/lib/file-${index}\n`).join('');
    expect(failure(lines, 'start.txt')).toBe(
      `start.txt has ${lines.length} bytes, more than the limit of ${MAX_PROFILE_SIZE}. Keep only what the start of the container reads.`,
    );
  });

  it('may have a million lines that name few files', () => {
    expect(paths('/a\n'.repeat(1_000_000))).toEqual(['/a']);
  });

  it('fails for too many files and ranges, with the place', () => {
    const lines = Array.from({ length: 100_001 }, (_, index) => `${index + 1}\n`).join('');
    expect(failure(lines)).toContain('profile, line 100001: more than 100000 files');
    const ranges = Array.from({ length: 50_001 }, (_, index) => ({ offset: 2 * index, length: 1 }));
    expect(failure(withFiles({ path: '/a', ranges }, { path: '/b', ranges }))).toContain(
      'profile, files[1]: more than 100000 ranges',
    );
  });

  it('fails for deep nesting without overflowing the stack', () => {
    expect(failure('['.repeat(MAX_PROFILE_SIZE))).toContain('profile is not valid JSON');
    const depth = 1_000_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    expect(failure(`{"schemaVersion":1,"files":${nested}}`)).toContain(
      'files[0]: must be an object with a path, got a list',
    );
  });
});

describe('an encoded profile', () => {
  it('has one sorted file per line', () => {
    const files = [
      { path: '/b/../c' },
      {
        path: '/a',
        ranges: [
          { offset: 5, length: 1 },
          { offset: 0, length: 5 },
        ],
      },
    ];
    expect(Buffer.from(encodeProfile({ files, origin: 'recorded' })).toString()).toBe(
      '{"schemaVersion":1,"origin":"recorded","files":[\n{"path":"/a","ranges":[{"offset":0,"length":6}]},\n{"path":"/c"}\n]}\n',
    );
  });

  it('fails for what the parser would not accept', () => {
    const invalid = (profile: StartProfile) => () => encodeProfile(profile);
    expect(invalid({ files: [{ path: '/\0' }] })).toThrow('profile, files[0]: path "/\\x00" has a NUL character');
    expect(invalid({ files: [{ path: '/a', ranges: [] }] })).toThrow('files[0].ranges: empty');
    const long = Array.from({ length: 2000 }, (_, index) => ({ path: `/${index}${'x'.repeat(4000)}` }));
    expect(invalid({ files: long })).toThrow('more than the limit of 4194304');
  });

  const someRange = fc.record({ offset: fc.nat(1000), length: fc.integer({ min: 1, max: 100 }) });
  const file = fc.record(
    {
      path: fc.string({ unit: 'binary', minLength: 1 }).map((path) => `/x${path.replaceAll('\0', '')}`),
      ranges: fc.array(someRange, { minLength: 1, maxLength: 8 }),
    },
    { requiredKeys: ['path'] },
  );
  const files = fc.array(file as fc.Arbitrary<StartProfile['files'][number]>, { minLength: 1, maxLength: 20 });

  it('names the same bytes after parsing, in canonical form', () => {
    fc.assert(
      fc.property(files, (list) => {
        const encoded = encodeProfile({ files: list });
        const parsed = parseProfile(encoded);
        expect(encodeProfile(parsed)).toEqual(encoded);
        expect(encodeProfile({ files: list.toReversed() })).toEqual(encoded);
        for (const { path, ranges } of parsed.files) {
          const ends = (ranges ?? []).map(({ offset, length }) => offset + length);
          expect((ranges ?? []).every(({ offset }, index) => index === 0 || offset > (ends[index - 1] ?? 0))).toBe(
            true,
          );
          expect(path).toMatch(/^\/./s);
        }
      }),
    );
  });

  it('is the same or an error for any bytes', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(hostile, (content) => {
        try {
          const encoded = encodeProfile(parseProfile(content));
          expect(encodeProfile(parseProfile(encoded))).toEqual(encoded);
        } catch (error) {
          expect(error).toMatchObject({ name: 'SociIndexError', code: 'PROFILE_INVALID' });
        }
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { excluding, flag, listOption, oneOf, parseText, valueOption } from './option.ts';
import { mostSimilarWord, parseOptions } from './parse-command-line.ts';
import { parseSize } from './size.ts';

const table = {
  json: flag('print JSON'),
  quiet: flag('print less', 'q'),
  'span-size': valueOption('SIZE', parseSize, 'span size'),
  compat: valueOption('PROGRAM', oneOf(['soci-cli']), 'output to match'),
  platform: listOption('OS/ARCH', (words) => words.split(','), 'platform', 'p'),
  output: valueOption('DIR', parseText, 'folder', 'o'),
  all: excluding(flag('all platforms'), 'platform'),
};

describe('parseOptions', () => {
  it('parses options and operands in any order', () => {
    const { options, operands } = parseOptions(['oci:a', '--span-size', '4MiB', 'oci:b', '-q'], table);
    expect(operands).toEqual(['oci:a', 'oci:b']);
    expect(options).toMatchObject({ json: false, quiet: true, 'span-size': 4 << 20, platform: [] });
    expect(options.compat).toBeUndefined();
  });

  it('collects repeatable options, and uses the last value of others', () => {
    const { options } = parseOptions(
      ['-p', 'linux/amd64', '--platform=linux/arm64,linux/arm/v7', '-o', 'a', '-ob'],
      table,
    );
    expect(options.platform).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7']);
    expect(options.output).toBe('b');
  });

  it('treats everything after -- as operands', () => {
    expect(parseOptions(['--', '--json', '-q'], table)).toMatchObject({
      operands: ['--json', '-q'],
      options: { json: false },
    });
  });

  it('accepts a single dash as a value and as an operand', () => {
    expect(parseOptions(['-', '-o', '-'], table)).toMatchObject({ operands: ['-'], options: { output: '-' } });
  });

  it.each([
    [['--span-sise', '1'], 'unknown option --span-sise', 'Did you mean --span-size?'],
    [['--jsno'], 'unknown option --jsno', 'Did you mean --json?'],
    [['-x'], 'unknown option -x', undefined],
    [['--constructor'], 'unknown option --constructor', undefined],
    [['--span-size'], '--span-size needs a value: SIZE', undefined],
    [['--span-size', '--json'], '--span-size needs a value: SIZE', undefined],
    [['--span-size='], '--span-size needs a value: SIZE', undefined],
    [['--json=yes'], '--json: "yes" is not one of: true, false, 1, 0', undefined],
    [['--all', '-p', 'linux/amd64'], 'cannot use --all with --platform', undefined],
    [['--compat', 'crane'], '--compat: "crane" is not one of: soci-cli', undefined],
    [['--span-size', 'big'], '--span-size: "big" is not a size', expect.stringContaining('4MiB')],
  ])('rejects %j', (words, message, remedy) => {
    expect(() => parseOptions(words, table)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID', message, remedy }),
    );
  });
});

describe('environment variables', () => {
  it('are values of options that are not on the command line', () => {
    const env = { SOCI_SPAN_SIZE: '64KiB', SOCI_JSON: 'TRUE', SOCI_QUIET: '0', SOCI_OUTPUT: 'b', SOCI_HELP: '1' };
    expect(parseOptions(['-o', 'a'], table, env).options).toMatchObject({
      'span-size': 65_536,
      json: true,
      quiet: false,
      output: 'a',
    });
  });

  it('have one value of a list on each line', () => {
    const env = { SOCI_PLATFORM: 'linux/amd64\nlinux/arm64,linux/arm/v7\n' };
    expect(parseOptions([], table, env).options.platform).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7']);
    expect(parseOptions(['-p', 'a'], table, env).options.platform).toEqual(['a']);
  });

  it('are ignored if they conflict with the command line, and rejected if they conflict with each other', () => {
    const env = { SOCI_PLATFORM: 'linux/amd64' };
    expect(parseOptions(['--all'], table, env).options).toMatchObject({ all: true, platform: [] });
    expect(parseOptions(['-p', 'a'], table, { SOCI_ALL: '1' }).options).toMatchObject({ all: false, platform: ['a'] });
    expect(() => parseOptions([], table, { ...env, SOCI_ALL: '1' })).toThrow('cannot use SOCI_ALL with SOCI_PLATFORM');
  });
});

describe('mostSimilarWord', () => {
  const commands = ['convert', 'create', 'ztoc create', 'ztoc info', 'inspect', 'verify'];

  it.each([
    ['convrt', 'convert'],
    ['covnert', 'convert'],
    ['inspekt', 'inspect'],
    ['insp', 'inspect'],
    ['ztoc inof', 'ztoc info'],
    ['verfy', 'verify'],
  ])('%s is most similar to %s', (typed, meant) => {
    expect(mostSimilarWord(typed, commands)).toBe(meant);
  });

  it.each(['push', 'x', '', 'completely-different'])('finds no similar word for %j', (typed) => {
    expect(mostSimilarWord(typed, commands)).toBeUndefined();
  });
});

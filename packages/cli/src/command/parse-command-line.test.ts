import { describe, expect, it } from 'vitest';
import { flag, listOption, oneOf, parseText, valueOption } from './option.ts';
import { mostSimilarWord, parseOptions } from './parse-command-line.ts';
import { parseSize } from './size.ts';

const table = {
  json: flag('print JSON'),
  quiet: flag('print less', 'q'),
  'span-size': valueOption('SIZE', parseSize, 'span size'),
  compat: valueOption('PROGRAM', oneOf(['soci-cli']), 'output to match'),
  platform: listOption('OS/ARCH', (words) => words.split(','), 'platform', 'p'),
  output: valueOption('DIR', parseText, 'folder', 'o'),
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
    [['--json=yes'], '--json does not accept a value', undefined],
    [['--compat', 'crane'], '--compat: "crane" is not one of: soci-cli', undefined],
    [['--span-size', 'big'], '--span-size: "big" is not a size', expect.stringContaining('4MiB')],
  ])('rejects %j', (words, message, remedy) => {
    expect(() => parseOptions(words, table)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID', message, remedy }),
    );
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

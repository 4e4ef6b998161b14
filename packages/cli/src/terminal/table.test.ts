import { describe, expect, it } from 'vitest';
import { formatTable } from './table.ts';
import { printable, shorten, textWidth, truncate, wrapWords } from './text.ts';

const columns = [{ title: 'LAYER', flexible: true }, { title: 'SIZE', align: 'right' }, { title: 'NOTE' }] as const;

describe('formatTable', () => {
  it('aligns columns without trailing spaces', () => {
    const rows = [
      ['base.tar.gz', '104 MiB', 'indexed'],
      ['app.tar', '9 B', ''],
    ];
    expect(formatTable(columns, rows, 80)).toEqual([
      'LAYER           SIZE  NOTE',
      'base.tar.gz  104 MiB  indexed',
      'app.tar          9 B',
    ]);
  });

  it('shortens flexible columns to the width of the terminal', () => {
    const lines = formatTable(columns, [['a-very-long-layer-name.tar.gz', '104 MiB', 'indexed']], 36);
    expect(lines[1]).toBe('a-very-l…me.tar.gz  104 MiB  indexed');
    expect(lines.every((line) => textWidth(line) <= 36)).toBe(true);
  });

  it('exceeds the width instead of removing a column', () => {
    expect(formatTable(columns, [['layer-name', '104 MiB', 'indexed']], 10)[1]).toBe('lay…name  104 MiB  indexed');
  });
});

describe('text for terminals', () => {
  it('measures the width without style codes', () => {
    expect(textWidth('\u001b[1mBold\u001b[22m…')).toBe(5);
  });

  it('shortens in the middle', () => {
    expect([shorten('usr/lib/node', 12), shorten('usr/lib/node', 7), shorten('abc', 1), shorten('abc', 0)]).toEqual([
      'usr/lib/node',
      'usr…ode',
      '…',
      '',
    ]);
  });

  it('shortens at the end', () => {
    expect([truncate('3 of 5 layers', 6), truncate('3 of 5', 6), truncate('abc', 1), truncate('abc', 0)]).toEqual([
      '3 of …',
      '3 of 5',
      '…',
      '',
    ]);
  });

  it('escapes control characters', () => {
    expect(printable('a\u001b[2Jb\n\u202ec')).toBe('a\\x1b[2Jb\\n\\u202ec');
  });

  it('wraps lines between words', () => {
    expect(wrapWords('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });
});

import { inspect } from 'node:util';
import { HOSTILE_TEXTS, unprintableIn } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { OciError, PrintableError, printableStack } from './index.ts';

/** Returns the lines of `text` that are neither a message, nor a function of a stack trace, nor a property. */
const foreignLines = (text: string) =>
  text.split('\n').filter((line) => !/^(Syntax|Oci)?Error: | {2,}(at |\[|code|name)|^}/.test(line));

describe('PrintableError', () => {
  it('has a printable message, stack and causes', () => {
    for (const text of HOSTILE_TEXTS) {
      const parseError = new SyntaxError(`Unexpected token '${text}'`, { cause: new Error(text) });
      const error = new OciError('READ_FAILED', `cannot read ${text}: sorry`, { cause: parseError });
      for (const shown of [error.message, String(error), error.stack ?? '', inspect(error), inspect(error.cause)]) {
        expect(unprintableIn(shown)).toEqual([]);
      }
      expect(foreignLines(error.stack ?? '')).toEqual([]);
      expect(foreignLines(String((error.cause as Error).stack))).toEqual([]);
      expect(unprintableIn(printableStack(parseError).join('\n'))).toEqual([]);
    }
  });

  it('keeps the name and the code of a cause that it copies, and its stack trace', () => {
    const cause = Object.assign(new TypeError('a\nb'), { code: 'ERR_X' });
    const copy = new PrintableError('failed', { cause }).cause as Error;
    expect(copy).toMatchObject({ name: 'TypeError', code: 'ERR_X', message: 'a\\nb' });
    expect(copy.stack).toBe((cause.stack ?? '').replace('a\nb', 'a\\nb'));
  });

  it('keeps a printable cause, and what is not an error', () => {
    const cause = new Error('closed', { cause: new Error('by peer') });
    expect(new PrintableError('failed', { cause }).cause).toBe(cause);
    expect(new PrintableError('failed', { cause: 7 }).cause).toBe(7);
    expect(new PrintableError('failed', { cause: 'a\nb' }).cause).toBe('a\\nb');
    expect('cause' in new PrintableError('failed')).toBe(false);
  });

  it('accepts a circular chain of causes', () => {
    const cause = new Error('a\nb');
    cause.cause = cause;
    expect(new PrintableError('failed', { cause }).cause).toMatchObject({ message: 'a\\nb' });
  });

  it('shortens a long message in the middle, and keeps the remedy at its end', () => {
    const { message } = new PrintableError(`cannot read ${'x'.repeat(1_000_000)}. Fix the file.`);
    expect(message).toHaveLength(4001);
    expect(message).toMatch(/^cannot read x+…x+\. Fix the file\.$/);
  });
});

describe('printableStack', () => {
  it('does not print a line of the message', () => {
    const error = new Error('a\n    at ::error::x (file:1:1)');
    const [header, ...functions] = printableStack(error);
    expect(header).toBe('Error: a\\n    at ::error::x (file:1:1)');
    expect(functions.length).toBeGreaterThan(0);
    expect(functions.join()).not.toContain('::error');
  });

  it.each(['', undefined])('accepts an error with the stack %j', (stack) => {
    expect(printableStack(Object.assign(new Error('closed'), { stack }))).toEqual(['Error: closed']);
  });
});

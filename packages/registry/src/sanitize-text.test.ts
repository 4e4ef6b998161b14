import { describe, expect, test } from 'vitest';
import { sanitizeText } from './sanitize-text.ts';

describe('sanitizeText', () => {
  test.each([
    ['a whole URL', 'see https://storage.test/blob?X-Amz-Signature=abc', 'see https://storage.test/blob?…'],
    [
      'a path',
      'unknown upload: /v2/app/blobs/uploads/1?_state=SECRET&digest=x',
      'unknown upload: /v2/app/blobs/uploads/1?…',
    ],
    ['a relative path', '(uploads/1?_state=SECRET)', '(uploads/1?…'],
    ['a query alone', '"?_state=SECRET" is invalid', '"?…" is invalid'],
    ['a parameter alone', 'bad _state=SECRET, sig=SECRET&x', 'bad _state=… sig=…&x'],
    ['a signature alone', 'X-Amz-Signature=SECRET does not match', 'X-Amz-Signature=… does not match'],
    ['an encoded URL', 'to=%2Fv2%2Fapp%3F_state%3DSECRET', 'to=%2Fv2%2Fapp?…'],
  ])('removes the query of %s', (_name, text, sanitized) => {
    expect(sanitizeText(text, 500)).toBe(sanitized);
  });

  test.each(['what is this? nobody=knows', 'manifest unknown: sha256:abc', 'is it there? and = is fine'])(
    'keeps text without a query: %s',
    (text) => {
      expect(sanitizeText(text, 500)).toBe(text);
    },
  );

  test('removes values of the request query, encoded and decoded', () => {
    const url = new URL(
      'https://registry.test/v2/app/blobs/uploads/1?_state=a%2Fsecret%2Bstate&digest=sha256:0123456789&n=1',
    );
    const text = 'state "a/secret+state" (a%2Fsecret%2Bstate) is not that of sha256:0123456789';
    expect(sanitizeText(text, 500, { url })).toBe('state "…" (…) is not that of sha256:0123456789');
  });

  test('removes the credentials of the request', () => {
    const basic = `Basic ${Buffer.from('AWS:pass+word').toString('base64')}`;
    expect(sanitizeText(`you sent ${basic}, which is pass+word`, 500, { authorization: basic })).toBe(
      'you sent …, which is …',
    );
    expect(sanitizeText('bad token eyJhbGciOi', 500, { authorization: 'Bearer eyJhbGciOi' })).toBe('bad token …');
  });

  test('takes little time for any text', () => {
    const start = process.cpuUsage();
    for (const piece of ['%3f', '?', '?a', 'x-', '_state', '?a=']) sanitizeText(piece.repeat(2 ** 20), 500);
    // About 0.5 s of CPU time. Work that grows with the square of the length takes hours.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(20);
  });
});

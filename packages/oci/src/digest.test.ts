import { toBytes } from '@soci/test-content';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { isDigest, parseDigest } from './digest.ts';

const HEX = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(['Node.js', 'a browser'] as const)('digests in %s', (runtime) => {
  /** Loads the module. Browsers have no `process`. */
  async function load(): Promise<typeof import('./digest.ts')> {
    vi.resetModules();
    if (runtime === 'a browser') vi.stubGlobal('process', undefined);
    return import('./digest.ts');
  }

  test('are those of the FIPS 180-4 example "abc"', async () => {
    const { digestOf } = await load();
    expect(digestOf(toBytes('abc'))).toBe(`sha256:${HEX}`);
    expect(digestOf(toBytes('abc'), 'sha512')).toMatch(/^sha512:ddaf35a193617aba[0-9a-f]{112}$/);
  });

  test('are the same for content in chunks that are overwritten', async () => {
    const { createDigester } = await load();
    const digester = createDigester();
    const chunk = toBytes('a');
    digester.update(chunk);
    chunk.fill(0);
    digester.update(toBytes(''));
    digester.update(toBytes('bc'));
    expect(digester.digest()).toBe(`sha256:${HEX}`);
  });
});

describe('parseDigest', () => {
  test('accepts sha256 and sha512', () => {
    expect(parseDigest(`sha256:${HEX}`)).toEqual({ algorithm: 'sha256', hex: HEX });
    expect(parseDigest(`sha512:${HEX}${HEX}`)).toEqual({ algorithm: 'sha512', hex: HEX + HEX });
  });

  test.each([
    ['empty text', ''],
    ['no algorithm', HEX],
    ['another algorithm', `sha384:${HEX}${HEX.slice(32)}`],
    ['upper case', `sha256:${HEX.toUpperCase()}`],
    ['a digit too few', `sha256:${HEX.slice(1)}`],
    ['a digit too many', `sha256:${HEX}0`],
    ['the length of the other algorithm', `sha512:${HEX}`],
    ['a path', `sha256:../../../../${HEX.slice(12)}`],
    ['a newline', `sha256:${HEX}\n`],
  ])('rejects %s', (_, text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
    expect(isDigest(text)).toBe(false);
  });

  test('does not include a huge input in its message', () => {
    expect(() => parseDigest('x'.repeat(1_000_000))).toThrow(/^.{0,300}$/);
  });
});

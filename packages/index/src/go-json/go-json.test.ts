import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStruct } from './decode.ts';
import { encodeStruct } from './encode.ts';
import { MANIFEST } from './image-spec.ts';
import { parseJson } from './parse.ts';
import { compareStrings } from './string.ts';

// The expected values are the output of Go 1.26.8: json.Unmarshal into the structs of image-spec v1.1.1, then json.Marshal.

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const rewrite = (json: string | Uint8Array) =>
  Buffer.from(
    encodeStruct(MANIFEST, decodeStruct(MANIFEST, typeof json === 'string' ? Buffer.from(json) : json)),
  ).toString();

const CONFIG = '"config":{"mediaType":"","digest":"","size":0}';

describe('a manifest decoded and encoded like Go', () => {
  it('has all fields without omitempty, and null for a missing list', () => {
    expect(rewrite('{}')).toBe(`{"schemaVersion":0,${CONFIG},"layers":null}`);
    expect(rewrite('{"layers":[]}')).toBe(`{"schemaVersion":0,${CONFIG},"layers":[]}`);
  });

  it('writes fields in struct order, sorts annotations by their bytes, drops unknown fields', () => {
    const json =
      '{"x":{"y":[1]},"annotations":{"\\uffff":"3","😀":"4","b":"2","a":"1"},"layers":[{"size":3,"digest":"d","foo":1,"mediaType":"m"}],"schemaVersion":2}';
    expect(rewrite(json)).toBe(
      `{"schemaVersion":2,${CONFIG},"layers":[{"mediaType":"m","digest":"d","size":3}],"annotations":{"a":"1","b":"2","\uffff":"3","😀":"4"}}`,
    );
  });

  it('escapes HTML characters and control characters', () => {
    const json = '{"layers":[],"annotations":{"k":"<a>&\\u2028\\u2029\\u0001\\b\\f\\n\\r\\t\\u007f\\/\\"\\\\"}}';
    expect(rewrite(json)).toBe(
      `{"schemaVersion":0,${CONFIG},"layers":[],"annotations":{"k":"\\u003ca\\u003e\\u0026\\u2028\\u2029\\u0001\\b\\f\\n\\r\\t\u007f/\\"\\\\"}}`,
    );
  });

  it('decodes each invalid UTF-8 byte and each lone surrogate to one U+FFFD', () => {
    const replaced = (text: string) => {
      const { mediaType = '' } = decodeStruct(MANIFEST, latin1(`{"mediaType":"${text}"}`));
      expect(mediaType).toMatch(/^\ufffd+$/);
      return mediaType.length;
    };
    expect(replaced('\xff')).toBe(1);
    expect(replaced('\xe2\x82')).toBe(2);
    expect(replaced('\xc0\x80')).toBe(2);
    expect(replaced('\xed\xa0\x80')).toBe(3);
    expect(replaced('\xf4\x90\x80\x80')).toBe(4);
    expect(replaced('\\ud83d')).toBe(1);
    expect(replaced('\\ud83d\\ud83d')).toBe(2);
    expect(rewrite('{"mediaType":"\\ud83d\\ude00"}')).toContain('"mediaType":"😀"');
  });

  it('matches keys case-insensitively, including the long s and the Kelvin sign', () => {
    expect(rewrite('{"SCHEMAVERSION":2,"mediatype":"m","Layer\u017f":[]}')).toBe(
      `{"schemaVersion":2,"mediaType":"m",${CONFIG},"layers":[]}`,
    );
  });

  it('merges a duplicate key into the existing value', () => {
    expect(rewrite('{"config":{"digest":"d","size":1},"config":{"size":2,"digest":null},"layers":[]}')).toContain(
      '"config":{"mediaType":"","digest":"d","size":2}',
    );
    expect(rewrite('{"annotations":{"a":"1","b":"2"},"annotations":{"b":null}}')).toContain(
      '"annotations":{"a":"1","b":""}',
    );
    expect(rewrite('{"annotations":{"a":"1"},"annotations":null}')).not.toContain('annotations');
  });

  it('restores earlier items if a third key makes a truncated list grow', () => {
    const json =
      '{"layers":[{"digest":"a"},{"digest":"b"}],"layers":[{"size":1}],"layers":[{"size":2},{"size":3},{"size":4}]}';
    expect(rewrite(json)).toContain(
      '"layers":[{"mediaType":"","digest":"a","size":2},{"mediaType":"","digest":"b","size":3},{"mediaType":"","digest":"","size":4}]',
    );
  });

  it('normalizes embedded data: removes line breaks and clears unused bits', () => {
    expect(rewrite('{"config":{"data":"e3\\n0="}}')).toContain('"data":"e30="');
    expect(rewrite('{"config":{"data":"QR=="}}')).toContain('"data":"QQ=="');
    expect(rewrite('{"config":{"data":[123,125]}}')).toContain('"data":"e30="');
    expect(rewrite('{"config":{"data":""}}')).not.toContain('data');
  });

  it('keeps 64-bit integers exactly, and converts -0 to 0', () => {
    expect(rewrite('{"config":{"size":9223372036854775807}}')).toContain('"size":9223372036854775807');
    expect(rewrite('{"config":{"size":-0}}')).toContain('"size":0');
  });

  it.each([
    ['a fraction', '{"schemaVersion":2.0}'],
    ['an exponent', '{"schemaVersion":2e0}'],
    ['a number past 64 bits', '{"schemaVersion":9223372036854775808}'],
    ['a string for a number', '{"schemaVersion":"2"}'],
    ['a number for a string', '{"mediaType":1}'],
    ['an object for a list', '{"layers":{}}'],
    ['a list for an object', '{"config":[]}'],
    ['a number among annotations', '{"annotations":{"a":1}}'],
    ['invalid base64', '{"config":{"data":"e30"}}'],
    ['data after the end', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['a trailing comma', '{"a":1,}'],
    ['a control character in a string', '{"a":"\n"}'],
    ['an escaped single quote', '{"a":"\\\'"}'],
    ['a leading zero', '{"a":01}'],
    ['an unknown literal', '{"a":nul}'],
    ['an empty document', ''],
    ['an unterminated string', '{"a'],
  ])('rejects %s', (_, json) => {
    expect(() => decodeStruct(MANIFEST, Buffer.from(json))).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    );
  });
});

describe('parseJson', () => {
  it('accepts and rejects the same text as JSON.parse', () => {
    const text = fc.oneof(
      fc.json(),
      fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at))),
    );
    fc.assert(
      fc.property(text, (json) => {
        expect(succeeds(() => parseJson(Buffer.from(json)))).toBe(succeeds(() => JSON.parse(json)));
      }),
      { numRuns: 2000 },
    );
  });

  it('throws only SociIndexError for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          parseJson(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('accepts 10,000 levels of nesting and rejects more', () => {
    expect(() => parseJson(Buffer.from('['.repeat(10_000) + ']'.repeat(10_000)))).not.toThrow();
    expect(() => parseJson(Buffer.from('['.repeat(10_001) + ']'.repeat(10_001)))).toThrow('nested too deeply');
  });

  it('takes linear time for many duplicate keys', () => {
    const layers = `"layers":[${'{},'.repeat(20_000)}{}]`;
    const json = `{${layers}${',"layers":[{}]'.repeat(100_000)}}`;
    expect(decodeStruct(MANIFEST, Buffer.from(json)).layers).toHaveLength(1);
  });
});

describe('compareStrings', () => {
  it('compares by UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

/** Returns whether a call does not throw. */
function succeeds(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

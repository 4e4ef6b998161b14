import { SociIndexError } from '../errors.ts';

const REPLACEMENT = 0xfffd;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const LETTER_U = 0x75;

const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/**
 * Reads the JSON string whose opening quote stands at `start`; `end` is past the closing one. Each byte that is no
 * UTF-8 becomes one U+FFFD, as Go has it (TextDecoder makes one of several), and so does each lone surrogate.
 */
export function readJsonString(bytes: Uint8Array, start: number): { value: string; end: number } {
  const pieces: string[] = [];
  let piece: number[] = [];
  let at = start + 1;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined) throw stringError('is not closed', at);
    if (byte === QUOTE) break;
    if (byte < 0x20) throw stringError('holds a control character', at);
    if (byte === BACKSLASH) {
      const escaped = readEscape(bytes, at);
      piece.push(escaped.codePoint);
      at += escaped.length;
    } else {
      const { codePoint, length } = decodeCodePoint(bytes, at);
      piece.push(codePoint);
      at += length;
    }
    if (piece.length === 8192) {
      pieces.push(String.fromCodePoint(...piece));
      piece = [];
    }
  }
  pieces.push(String.fromCodePoint(...piece));
  return { value: pieces.join(''), end: at + 1 };
}

function readEscape(bytes: Uint8Array, at: number): { codePoint: number; length: number } {
  const letter = bytes[at + 1];
  if (letter === LETTER_U) {
    const unit = readHex4(bytes, at);
    if (unit === undefined) throw stringError('holds a bad \\u escape', at);
    if (unit < 0xd800 || unit > 0xdfff) return { codePoint: unit, length: 6 };
    const next = unit < 0xdc00 ? readHex4(bytes, at + 6) : undefined;
    if (next === undefined || next < 0xdc00 || next > 0xdfff) return { codePoint: REPLACEMENT, length: 6 };
    return { codePoint: 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00), length: 12 };
  }
  const codePoint = letter === undefined ? undefined : ESCAPES.get(letter);
  if (codePoint === undefined) throw stringError('holds an unknown escape', at);
  return { codePoint, length: 2 };
}

/** The code unit of the escape `\uXXXX` at `at`, if one stands there. */
function readHex4(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] !== BACKSLASH || bytes[at + 1] !== LETTER_U) return undefined;
  const digits = String.fromCharCode(...bytes.subarray(at + 2, at + 6));
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/** The code point at `at`, or U+FFFD and a length of 1 where no well-formed sequence starts (Go, utf8.DecodeRune). */
function decodeCodePoint(bytes: Uint8Array, at: number): { codePoint: number; length: number } {
  const first = bytes[at] as number;
  if (first < 0x80) return { codePoint: first, length: 1 };
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  let codePoint = first & (0xff >> (length + 1));
  for (let i = 1; i < length; i += 1) {
    const byte = bytes[at + i] ?? 0;
    if ((byte & 0xc0) !== 0x80) return { codePoint: REPLACEMENT, length: 1 };
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  const overlong = (length === 3 && codePoint < 0x800) || (length === 4 && codePoint < 0x10000);
  const surrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  if (length === 0 || overlong || surrogate || codePoint > 0x10ffff) return { codePoint: REPLACEMENT, length: 1 };
  return { codePoint, length };
}

// What ends the pattern is all below the space: the control characters.
const ESCAPED = /["\\<>&\u2028\u2029]|[^ -\u{10ffff}]/gu;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Quotes a string as Go's `json.Marshal` does: `<`, `>`, `&`, U+2028 and U+2029 escaped (encode.go, `appendString`). */
export function quoteJsonString(value: string): string {
  return `"${value.replace(ESCAPED, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Orders strings by their UTF-8 bytes, which is by code point, as Go orders the keys of a map. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    // A surrogate stands for a code point above every other code unit.
    const leftIsHigh = left >= 0xd800 && left <= 0xdfff;
    const rightIsHigh = right >= 0xd800 && right <= 0xdfff;
    if (leftIsHigh !== rightIsHigh) return leftIsHigh ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

function stringError(what: string, offset: number): SociIndexError {
  return new SociIndexError('MANIFEST_INVALID', `not JSON: a string ${what} at byte ${offset}`);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Decodes what Go's `base64.StdEncoding` takes, or gives undefined: padding is a must, line breaks are passed over, the
 * unused bits of the last character may be anything.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/[\r\n]/g, '');
  return BASE64.test(digits) ? Uint8Array.from(atob(digits), (character) => character.charCodeAt(0)) : undefined;
}

/** Encodes as Go does. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

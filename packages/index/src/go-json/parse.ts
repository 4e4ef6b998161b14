import { SociIndexError } from '../errors.ts';
import { readJsonString } from './string.ts';

/** A JSON value with what `JSON.parse` loses: number literals, the order of members, and keys that stand twice. */
export type JsonValue =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly literal: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly JsonValue[] }
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] };

/** One member of a JSON object. */
export interface JsonMember {
  readonly key: string;
  readonly value: JsonValue;
}

/** Levels of nesting that Go's encoding/json takes (scanner.go, `maxNestingDepth`). */
const MAX_NESTING_DEPTH = 10_000;

const NULL: JsonValue = { kind: 'null' };
const TRUE: JsonValue = { kind: 'boolean', value: true };
const FALSE: JsonValue = { kind: 'boolean', value: false };

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

type Container =
  | { readonly kind: 'array'; readonly items: JsonValue[] }
  | { readonly kind: 'object'; readonly members: JsonMember[]; key: string };

/**
 * Parses one JSON document as Go's encoding/json takes it: RFC 8259's syntax, bytes that are not UTF-8 and lone
 * surrogates read as U+FFFD, no byte order mark. Keeps its own stack, so that depth costs no call frames.
 *
 * @throws SociIndexError `MANIFEST_INVALID` with the byte offset.
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const stack: Container[] = [];
  let at = skipSpace(bytes, 0);
  for (;;) {
    // A value starts at `at`.
    let value: JsonValue;
    const byte = bytes[at];
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const container: Container =
        byte === OPEN_BRACE ? { kind: 'object', members: [], key: '' } : { kind: 'array', items: [] };
      if (stack.length === MAX_NESTING_DEPTH) throw syntaxError('nested too deeply', at);
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== (byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
        stack.push(container);
        if (container.kind === 'object') at = readKey(bytes, at, container);
        continue;
      }
      at += 1;
      value = container;
    } else {
      [value, at] = readScalar(bytes, at);
    }
    // A value has ended: give it to its container, and close those that end with it.
    for (;;) {
      const container = stack.at(-1);
      at = skipSpace(bytes, at);
      if (container === undefined) {
        if (at < bytes.length) throw syntaxError('more after the value', at);
        return value;
      }
      if (container.kind === 'object') container.members.push({ key: container.key, value });
      else container.items.push(value);
      if (bytes[at] === COMMA) {
        at = skipSpace(bytes, at + 1);
        if (container.kind === 'object') at = readKey(bytes, at, container);
        break;
      }
      if (bytes[at] !== (container.kind === 'object' ? CLOSE_BRACE : CLOSE_BRACKET)) {
        throw syntaxError('expected a comma or the end of a list or object', at);
      }
      at += 1;
      stack.pop();
      value = container;
    }
  }
}

const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function readKey(bytes: Uint8Array, start: number, container: { key: string }): number {
  if (bytes[start] !== QUOTE) throw syntaxError('expected a key', start);
  const key = readJsonString(bytes, start);
  container.key = key.value;
  const colon = skipSpace(bytes, key.end);
  if (bytes[colon] !== COLON) throw syntaxError('expected a colon', colon);
  return skipSpace(bytes, colon + 1);
}

function readScalar(bytes: Uint8Array, start: number): [JsonValue, number] {
  if (bytes[start] === QUOTE) {
    const { value, end } = readJsonString(bytes, start);
    return [{ kind: 'string', value }, end];
  }
  let end = start;
  while (end < bytes.length && isLiteralByte(bytes[end] as number)) end += 1;
  const literal = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + MAX_NUMBER_LENGTH)));
  if (end - start > MAX_NUMBER_LENGTH) throw syntaxError('a number too long', start);
  if (literal === 'null') return [NULL, end];
  if (literal === 'true') return [TRUE, end];
  if (literal === 'false') return [FALSE, end];
  if (NUMBER.test(literal)) return [{ kind: 'number', literal }, end];
  throw syntaxError(start < bytes.length ? 'expected a value' : 'ends too early', start);
}

/** No number of a manifest has more digits; Go sets no bound. */
const MAX_NUMBER_LENGTH = 1024;

function isLiteralByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || // digits
    (byte >= 0x61 && byte <= 0x7a) || // lower-case letters
    byte === 0x45 || // E
    byte === 0x2b || // +
    byte === 0x2d || // -
    byte === 0x2e // .
  );
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}

function syntaxError(what: string, offset: number): SociIndexError {
  return new SociIndexError('MANIFEST_INVALID', `not JSON: ${what} at byte ${offset}`);
}

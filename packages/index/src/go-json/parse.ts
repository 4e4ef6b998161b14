import { SociIndexError } from '../errors.ts';
import { decodeUtf8 } from './string.ts';

/** A JSON value that keeps number literals, the order of members and duplicate keys, unlike that of `JSON.parse`. */
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

/** Maximum nesting depth, as in Go's encoding/json (scanner.go, `maxNestingDepth`). */
const MAX_NESTING_DEPTH = 10_000;

/** Maximum length of a number literal. Go has no limit, but manifests have no longer numbers. */
const MAX_NUMBER_LENGTH = 1024;

const WORDS: ReadonlyMap<string, JsonValue> = new Map([
  ['null', { kind: 'null' }],
  ['true', { kind: 'boolean', value: true }],
  ['false', { kind: 'boolean', value: false }],
]);

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

const SPACE = /[ \n\r\t]*/y;
const LITERAL = /[0-9a-zE+.-]*/y;

type Container =
  | { readonly kind: 'array'; readonly items: JsonValue[] }
  | { readonly kind: 'object'; readonly members: JsonMember[]; key: string };

/**
 * Parses one JSON document like Go's encoding/json: RFC 8259, invalid UTF-8 and lone surrogates become U+FFFD, a byte order
 * mark is an error. Uses its own stack instead of recursion, so that deep nesting does not overflow the call stack.
 *
 * @throws SociIndexError `MANIFEST_INVALID` with the byte offset.
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decodeUtf8(bytes);
  const stack: Container[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    // A value starts at `at`.
    let value: JsonValue;
    if (text[at] === '{' || text[at] === '[') {
      const container: Container =
        text[at] === '{' ? { kind: 'object', members: [], key: '' } : { kind: 'array', items: [] };
      if (stack.length === MAX_NESTING_DEPTH) throw syntaxError('nested too deeply', text, at);
      at = skipSpace(text, at + 1);
      if (text[at] !== closing(container)) {
        stack.push(container);
        if (container.kind === 'object') at = readKey(text, at, container);
        continue;
      }
      at += 1;
      value = container;
    } else {
      [value, at] = readScalar(text, at);
    }
    // The value is complete: add it to its container, and close the containers that end here.
    for (;;) {
      const container = stack.at(-1);
      at = skipSpace(text, at);
      if (container === undefined) {
        if (at < text.length) throw syntaxError('unexpected data after the value', text, at);
        return value;
      }
      if (container.kind === 'object') container.members.push({ key: container.key, value });
      else container.items.push(value);
      if (text[at] === ',') {
        at = skipSpace(text, at + 1);
        if (container.kind === 'object') at = readKey(text, at, container);
        break;
      }
      if (text[at] !== closing(container)) {
        throw syntaxError('expected a comma or the end of the array or object', text, at);
      }
      at += 1;
      stack.pop();
      value = container;
    }
  }
}

function closing({ kind }: Container): string {
  return kind === 'object' ? '}' : ']';
}

function readKey(text: string, start: number, container: { key: string }): number {
  if (text[start] !== '"') throw syntaxError('expected a key', text, start);
  const end = endOfString(text, start);
  container.key = unquote(text, start, end);
  const colon = skipSpace(text, end);
  if (text[colon] !== ':') throw syntaxError('expected a colon', text, colon);
  return skipSpace(text, colon + 1);
}

function readScalar(text: string, start: number): [JsonValue, number] {
  if (text[start] === '"') {
    const end = endOfString(text, start);
    return [{ kind: 'string', value: unquote(text, start, end) }, end];
  }
  const end = endOf(LITERAL, text, start);
  if (end - start > MAX_NUMBER_LENGTH) throw syntaxError('number too long', text, start);
  const literal = text.slice(start, end);
  const word = WORDS.get(literal);
  if (word !== undefined) return [word, end];
  if (NUMBER.test(literal)) return [{ kind: 'number', literal }, end];
  throw syntaxError(start < text.length ? 'expected a value' : 'unexpected end', text, start);
}

/** Returns the end of a string: after the first quote that is not escaped. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let run = quote;
    while (text[run - 1] === '\\') run -= 1;
    if ((quote - run) % 2 === 0) return quote + 1;
  }
  throw syntaxError('unterminated string', text, start);
}

function unquote(text: string, start: number, end: number): string {
  try {
    return (JSON.parse(text.slice(start, end)) as string).toWellFormed();
  } catch (cause) {
    throw syntaxError('invalid escape or control character in a string', text, start, cause);
  }
}

function skipSpace(text: string, start: number): number {
  return endOf(SPACE, text, start);
}

/** Returns the end of the match of a sticky pattern at `start`. */
function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  pattern.test(text);
  return pattern.lastIndex;
}

function syntaxError(what: string, text: string, at: number, cause?: unknown): SociIndexError {
  const message = `invalid JSON: ${what} at byte ${Buffer.byteLength(text.slice(0, at))}`;
  return new SociIndexError('MANIFEST_INVALID', message, { ...(cause !== undefined && { cause }) });
}

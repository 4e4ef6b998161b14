import { isDigest } from './digest.ts';
import { OciError, showValue } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';

/** A JSON object as parsed. Its keys are the input's: `__proto__` may be among them, so read by name, never by spread. */
export type JsonObject = { readonly [key: string]: unknown };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// RFC 6838, section 4.2: what descriptor.md asks of a media type.
const MEDIA_TYPE_PATTERN = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/;

/** Parses a JSON object of at most `maxSize` bytes. Keys are matched exactly; of one that stands twice the last counts. */
export function parseDocument(bytes: Uint8Array, what: string, maxSize = DEFAULT_LIMITS.maxManifestSize): JsonObject {
  if (bytes.length > maxSize) {
    throw new OciError('LIMIT_EXCEEDED', `${what} has ${bytes.length} bytes: the limit is ${maxSize}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'not UTF-8';
    throw new OciError('MANIFEST_INVALID', `${what} is not JSON: ${reason}`, { cause });
  }
  return asObject(value, what);
}

/** `value` as an object, or an error which says that `where` is none. */
export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(where, 'an object', value);
  return value as JsonObject;
}

/** The own property `key`, undefined where it is absent or null: Go writes null for what is empty. */
export function field(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined;
}

/** A string that must be there. */
export function stringField(object: JsonObject, key: string, where: string): string {
  const value = field(object, key);
  if (typeof value !== 'string') throw wrongType(`${where}.${key}`, 'a string', value);
  return value;
}

/** A string that may be absent. */
export function optionalString(object: JsonObject, key: string, where: string): string | undefined {
  return field(object, key) === undefined ? undefined : stringField(object, key, where);
}

/** A media type that must be there, well-formed. */
export function mediaTypeField(object: JsonObject, key: string, where: string): string {
  const value = stringField(object, key, where);
  if (!MEDIA_TYPE_PATTERN.test(value)) {
    throw new OciError('MANIFEST_INVALID', `${where}.${key} is no media type: ${showValue(value)}`);
  }
  return value;
}

/** A media type that may be absent or empty. */
export function optionalMediaType(object: JsonObject, key: string, where: string): string | undefined {
  const value = field(object, key);
  return value === undefined || value === '' ? undefined : mediaTypeField(object, key, where);
}

/** A digest that must be there, of an algorithm understood here. */
export function digestField(object: JsonObject, key: string, where: string): string {
  return asDigest(field(object, key), `${where}.${key}`);
}

/** `value` as a digest of an algorithm understood here. */
export function asDigest(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrongType(where, 'a digest', value);
  if (!isDigest(value)) throw new OciError('MANIFEST_INVALID', `${where} is no digest: ${showValue(value)}`);
  return value;
}

/** A size in bytes that must be there: a whole number from 0 to 2^53 - 1. */
export function sizeField(object: JsonObject, key: string, where: string): number {
  const value = field(object, key);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrongType(`${where}.${key}`, 'a whole number from 0 to 2^53 - 1', value);
  }
  return value;
}

/** A list of at most `limit` items, empty where it is absent. */
export function listField(object: JsonObject, key: string, where: string, limit: number): readonly unknown[] {
  const value = field(object, key) ?? [];
  if (!Array.isArray(value)) throw wrongType(`${where}.${key}`, 'a list', value);
  if (value.length > limit) {
    throw new OciError('LIMIT_EXCEEDED', `${where}.${key} has ${value.length} entries: the limit is ${limit}`);
  }
  return value;
}

/** A list of strings that may be absent. */
export function optionalStrings(object: JsonObject, key: string, where: string): readonly string[] | undefined {
  if (field(object, key) === undefined) return undefined;
  return listField(object, key, where, Number.POSITIVE_INFINITY).map((item, position) => {
    if (typeof item !== 'string') throw wrongType(`${where}.${key}[${position}]`, 'a string', item);
    return item;
  });
}

/** A map of strings that may be absent. It has no prototype, so that a key of the input is only ever a key. */
export function optionalStringMap(object: JsonObject, key: string, where: string): Record<string, string> | undefined {
  const value = field(object, key);
  if (value === undefined) return undefined;
  const map: Record<string, string> = Object.create(null);
  for (const [name, text] of Object.entries(asObject(value, `${where}.${key}`))) {
    if (typeof text !== 'string') throw wrongType(`${where}.${key}[${showValue(name)}]`, 'a string', text);
    map[name] = text;
  }
  return map;
}

function wrongType(where: string, expected: string, value: unknown): OciError {
  return new OciError('MANIFEST_INVALID', `${where} must be ${expected}, found ${showValue(value)}`);
}

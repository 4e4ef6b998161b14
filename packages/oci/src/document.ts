import { isDigest } from './digest.ts';
import { OciError, showValue } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';

/** A parsed JSON object. Its keys are untrusted and may include `__proto__`: read it by name, do not spread it. */
export type JsonObject = { readonly [key: string]: unknown };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// RFC 6838, section 4.2, as required by descriptor.md for media types.
const MEDIA_TYPE_PATTERN = /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/;

/** Parses a JSON object of at most `maxSize` bytes. Keys are case-sensitive; the last value of a duplicate key wins. */
export function parseDocument(bytes: Uint8Array, what: string, maxSize?: number): JsonObject {
  return asObject(parseJson(bytes, what, maxSize), what);
}

/** Parses a JSON value of at most `maxSize` bytes. */
export function parseJson(bytes: Uint8Array, what: string, maxSize = DEFAULT_LIMITS.maxManifestSize): unknown {
  if (bytes.length > maxSize) {
    throw new OciError('LIMIT_EXCEEDED', `${what} has ${bytes.length} bytes, more than the limit of ${maxSize}`);
  }
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'not UTF-8';
    throw new OciError('MANIFEST_INVALID', `${what} is not valid JSON: ${reason}`, { cause });
  }
}

/** Returns `value` as an object. Throws an error that names `where` if it is not one. */
export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(where, 'an object', value);
  return value as JsonObject;
}

/** Returns the own property `key`, or undefined if it is absent or null, which Go writes for empty values. */
export function field(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined;
}

/** Returns a required string. */
export function stringField(object: JsonObject, key: string, where: string): string {
  const value = field(object, key);
  if (typeof value !== 'string') throw wrongType(`${where}.${key}`, 'a string', value);
  return value;
}

/** Returns an optional string. */
export function optionalString(object: JsonObject, key: string, where: string): string | undefined {
  return field(object, key) === undefined ? undefined : stringField(object, key, where);
}

/** Returns a required, well-formed media type. */
export function mediaTypeField(object: JsonObject, key: string, where: string): string {
  const value = stringField(object, key, where);
  if (!MEDIA_TYPE_PATTERN.test(value)) {
    throw new OciError('MANIFEST_INVALID', `${where}.${key} is not a media type: ${showValue(value)}`);
  }
  return value;
}

/** Returns an optional media type; undefined if empty. */
export function optionalMediaType(object: JsonObject, key: string, where: string): string | undefined {
  const value = field(object, key);
  return value === undefined || value === '' ? undefined : mediaTypeField(object, key, where);
}

/** Returns a required digest with a supported algorithm. */
export function digestField(object: JsonObject, key: string, where: string): string {
  return asDigest(field(object, key), `${where}.${key}`);
}

/** Returns `value` as a digest with a supported algorithm. */
export function asDigest(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrongType(where, 'a digest', value);
  if (!isDigest(value)) throw new OciError('MANIFEST_INVALID', `${where} is not a digest: ${showValue(value)}`);
  return value;
}

/** Returns a required size in bytes: a whole number from 0 to 2^53 - 1. */
export function sizeField(object: JsonObject, key: string, where: string): number {
  const value = field(object, key);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrongType(`${where}.${key}`, 'a whole number from 0 to 2^53 - 1', value);
  }
  return value;
}

/** Returns a list of at most `limit` items; empty if absent. */
export function listField(object: JsonObject, key: string, where: string, limit: number): readonly unknown[] {
  const value = field(object, key) ?? [];
  if (!Array.isArray(value)) throw wrongType(`${where}.${key}`, 'a list', value);
  if (value.length > limit) {
    throw new OciError(
      'LIMIT_EXCEEDED',
      `${where}.${key} has ${value.length} entries, more than the limit of ${limit}`,
    );
  }
  return value;
}

/** Returns an optional list of strings. */
export function optionalStrings(object: JsonObject, key: string, where: string): readonly string[] | undefined {
  if (field(object, key) === undefined) return undefined;
  return listField(object, key, where, Number.POSITIVE_INFINITY).map((item, position) => {
    if (typeof item !== 'string') throw wrongType(`${where}.${key}[${position}]`, 'a string', item);
    return item;
  });
}

/** Returns an optional map of strings. It has no prototype, so that untrusted keys are only keys. */
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

import { quoteText } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { type JsonValue, parseJson } from './parse.ts';
import { EXACT, type Field, type Schema, type StructSchema, type StructValue, zeroValue } from './schema.ts';
import { decodeBase64, encodeBase64 } from './string.ts';

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Decodes JSON into a struct like Go's `json.Unmarshal`, because soci writes the decoded struct again: keys without an
 * exact match are compared case-insensitively; unknown keys are dropped; `null` does not change a string or number; a
 * duplicate key is decoded into the existing value, so that objects, maps and list items are merged.
 *
 * @throws SociIndexError `MANIFEST_INVALID` if the syntax or a type is invalid.
 */
export function decodeStruct<Value>(schema: StructSchema<Value>, bytes: Uint8Array): Value {
  return new Decoder().decode(schema, zeroValue(schema), parseJson(bytes), '') as Value;
}

class Decoder {
  /** Earlier items of a list beyond its current length. In Go they appear again when the slice grows. */
  readonly #backing = new WeakMap<object, unknown[]>();

  decode(schema: Schema, current: unknown, json: JsonValue, path: string): unknown {
    if (schema.kind === 'presence') return true;
    if (json.kind === 'null')
      return schema.kind === 'string' || schema.kind === 'integer' || schema.kind === 'struct' ? current : null;
    switch (schema.kind) {
      case 'string':
        return expectKind(json, 'string', path).value;
      case 'integer':
        return decodeInteger(expectKind(json, 'number', path).literal, path);
      case 'bytes':
        return this.#decodeBytes(current as string | null, json, path);
      case 'string-map':
        return this.#decodeMap(current as Record<string, string> | null, json, path);
      case 'list':
        return this.#decodeList(schema.of, current as unknown[] | null, json, path);
      case 'pointer':
        return this.decode(schema.to, current ?? zeroValue(schema.to), json, path);
      case 'struct':
        return this.#decodeStruct(schema.fields, current as StructValue, json, path);
    }
  }

  #decodeStruct(fields: readonly Field[], current: StructValue, json: JsonValue, path: string): StructValue {
    for (const { key, value } of expectKind(json, 'object', path).members) {
      const field = fields.find(({ name }) => name === key) ?? fields.find(({ name }) => fold(name) === fold(key));
      if (field === undefined) continue;
      const before = current[field.name] ?? zeroValue(field.schema);
      const after = this.decode(field.schema, before, value, `${path}.${field.name}`);
      if (field.omitEmpty && (after === null || after === '')) delete current[field.name];
      else current[field.name] = typeof after === 'bigint' ? Number(after) : after;
      if (typeof after === 'bigint') current[EXACT] = { ...current[EXACT], [field.name]: after };
    }
    return current;
  }

  /** The map has no prototype, so that keys such as `__proto__` are safe. */
  #decodeMap(current: Record<string, string> | null, json: JsonValue, path: string): Record<string, string> {
    const map: Record<string, string> = current ?? Object.create(null);
    for (const { key, value } of expectKind(json, 'object', path).members) {
      map[key] = value.kind === 'null' ? '' : expectKind(value, 'string', `${path}[${quoteText(key)}]`).value;
    }
    return map;
  }

  #decodeList(of: Schema, current: unknown[] | null, json: JsonValue, path: string): unknown[] {
    const { items } = expectKind(json, 'array', path);
    if (items.length === 0) return [];
    const held = current === null ? [] : (this.#backing.get(current) ?? [...current]);
    const list = items.map((item, i) => {
      held[i] = this.decode(of, i < held.length ? held[i] : zeroValue(of), item, `${path}[${i}]`);
      return held[i];
    });
    this.#backing.set(list, held);
    return list;
  }

  #decodeBytes(current: string | null, json: JsonValue, path: string): string {
    if (json.kind === 'array') {
      const isNegative = json.items.some((item) => item.kind === 'number' && item.literal.startsWith('-'));
      const held = [...(decodeBase64(current ?? '') as Uint8Array)];
      const values = this.#decodeList({ kind: 'integer' }, held, json, path) as (number | bigint)[];
      if (isNegative || values.some((value) => value > 255)) throw typeError(path, 'bytes', json);
      return encodeBase64(Uint8Array.from(values as number[]));
    }
    const bytes = decodeBase64(expectKind(json, 'string', path).value);
    if (bytes === undefined) throw typeError(path, 'base64', json);
    return encodeBase64(bytes);
  }
}

/** Folds the case of a key like Go, for comparison with ASCII names (encoding/json, fold.go). */
function fold(name: string): string {
  return name
    .replaceAll(/[a-z]/g, (letter) => letter.toUpperCase())
    .replaceAll('\u017f', 'S')
    .replaceAll('\u212a', 'K');
}

function decodeInteger(literal: string, path: string): number | bigint {
  if (!/^-?[0-9]+$/.test(literal)) throw typeError(path, 'an integer', { kind: 'number', literal });
  const value = BigInt(literal);
  if (value < MIN_INT64 || value > MAX_INT64) throw typeError(path, 'a 64-bit integer', { kind: 'number', literal });
  const exact = Number(value);
  // Adding zero turns -0 into 0.
  return Number.isSafeInteger(exact) ? exact + 0 : value;
}

function expectKind<Kind extends JsonValue['kind']>(
  json: JsonValue,
  kind: Kind,
  path: string,
): JsonValue & { kind: Kind } {
  if (json.kind !== kind) throw typeError(path, kind, json);
  return json as JsonValue & { kind: Kind };
}

function typeError(path: string, expected: string, found: JsonValue): SociIndexError {
  const name = path === '' ? 'the document' : path.slice(1);
  const what = found.kind === 'number' ? found.literal : found.kind;
  return new SociIndexError('MANIFEST_INVALID', `${name} must be ${expected}, got ${what}`);
}

import type { Schema, StructValue } from './schema.ts';
import { compareStrings, encodeBase64, quoteJsonString } from './string.ts';

const utf8 = new TextEncoder();

/**
 * Writes a struct as Go's `json.Marshal` does: fields in the struct's order, `omitempty`, the keys of maps sorted by
 * their bytes, null for a nil slice, no space.
 */
export function encodeStruct(schema: Schema & { kind: 'struct' }, value: object): Uint8Array {
  return utf8.encode(encode(schema, value));
}

function encode(schema: Schema, value: unknown): string {
  if (value === null) return 'null';
  switch (schema.kind) {
    case 'string':
      return quoteJsonString(value as string);
    case 'integer':
      return String(value);
    case 'bytes':
      return `"${encodeBase64(value as Uint8Array)}"`;
    case 'string-map':
      return encodeMap(value as Map<string, string>);
    case 'list':
      return `[${(value as unknown[]).map((item) => encode(schema.of, item)).join(',')}]`;
    case 'pointer':
      return encode(schema.to, value);
    case 'presence':
      throw new TypeError('a field read for its presence has no value to write');
    case 'struct': {
      const fields = schema.fields.filter((field) => !(field.omitEmpty && isEmpty((value as StructValue)[field.name])));
      return `{${fields.map((field) => `"${field.name}":${encode(field.schema, (value as StructValue)[field.name])}`).join(',')}}`;
    }
  }
}

function encodeMap(map: Map<string, string>): string {
  const entries = [...map].sort(([a], [b]) => compareStrings(a, b));
  return `{${entries.map(([key, value]) => `${quoteJsonString(key)}:${quoteJsonString(value)}`).join(',')}}`;
}

/** What `omitempty` leaves out (encoding/json, encode.go, `isEmptyValue`); a struct never is. */
function isEmpty(value: unknown): boolean {
  if (value instanceof Map) return value.size === 0;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return value === null || value === '' || value === 0;
}

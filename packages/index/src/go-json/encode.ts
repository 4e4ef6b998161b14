import { EXACT, type Field, type Schema, type StructSchema, type StructValue } from './schema.ts';
import { compareStrings, decodeBase64, encodeBase64, quoteJsonString } from './string.ts';

const utf8 = new TextEncoder();

/** Encodes a struct like Go's `json.Marshal`: fields in order, `omitempty`, sorted map keys, null for nil slices. */
export function encodeStruct<Value>(schema: StructSchema<Value>, value: Value): Uint8Array {
  return utf8.encode(encode(schema, value));
}

function encode(schema: Schema, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  switch (schema.kind) {
    case 'string':
      return quoteJsonString(value as string);
    case 'bytes':
      return `"${encodeBase64(decodeBase64(value as string) ?? new Uint8Array())}"`;
    case 'integer':
      return String(value);
    case 'string-map':
      return encodeMap(value as Record<string, string>);
    case 'list':
      return `[${(value as unknown[]).map((item) => encode(schema.of, item)).join(',')}]`;
    case 'pointer':
      return encode(schema.to, value);
    case 'presence':
      throw new TypeError('a field of kind "presence" cannot be encoded');
    case 'struct':
      return encodeFields(schema.fields, value as StructValue);
  }
}

function encodeFields(fields: readonly Field[], struct: StructValue): string {
  const written = fields.filter(({ name, omitEmpty }) => !(omitEmpty && isEmpty(struct[name])));
  const members = written.map(({ name, schema }) => {
    const exact = struct[EXACT]?.[name];
    const value = exact !== undefined && Number(exact) === struct[name] ? exact : struct[name];
    return `"${name}":${encode(schema, value)}`;
  });
  return `{${members.join(',')}}`;
}

function encodeMap(map: Record<string, string>): string {
  const entries = Object.entries(map).sort(([a], [b]) => compareStrings(a, b));
  return `{${entries.map(([key, value]) => `${quoteJsonString(key)}:${quoteJsonString(value)}`).join(',')}}`;
}

/** Returns whether `omitempty` omits a value (encoding/json, encode.go, `isEmptyValue`). Never omits structs. */
function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === '' || value === 0;
}

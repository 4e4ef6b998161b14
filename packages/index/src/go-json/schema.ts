/** A whole number as Go's int64 holds it: a `bigint` only where a `number` would not be exact. */
export type Integer = number | bigint;

/** How a Go type is written as JSON; the kinds that the structs of image manifests are made of. */
export type Schema =
  /** `string`. */
  | { readonly kind: 'string' }
  /** `int` or `int64`. */
  | { readonly kind: 'integer' }
  /** `[]byte`, base64 in JSON. */
  | { readonly kind: 'bytes' }
  /** `map[string]string`. */
  | { readonly kind: 'string-map' }
  /** A slice. */
  | { readonly kind: 'list'; readonly of: Schema }
  /** A pointer. */
  | { readonly kind: 'pointer'; readonly to: Schema }
  /** `json.RawMessage`, of which only its presence is asked. */
  | { readonly kind: 'presence' }
  /** A struct; its fields in the order in which they are written. */
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

/** A field of a struct. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  /** Whether the zero value is left out (the tag `omitempty`). */
  readonly omitEmpty?: boolean;
}

/** A struct as it is held here: plain properties named as in JSON. */
export type StructValue = Record<string, unknown>;

/** The zero value of a Go type. Slices, maps and pointers are null when nothing was read into them. */
export function zeroValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'string':
      return '';
    case 'integer':
      return 0;
    case 'presence':
      return false;
    case 'struct':
      return Object.fromEntries(schema.fields.map((field) => [field.name, zeroValue(field.schema)]));
    default:
      return null;
  }
}

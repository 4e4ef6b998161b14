/** Schema of a Go type in JSON, limited to the types in image manifests. */
export type Schema =
  /** `string`. */
  | { readonly kind: 'string' }
  /** `int` or `int64`. */
  | { readonly kind: 'integer' }
  /** `[]byte`, base64 in JSON and here. */
  | { readonly kind: 'bytes' }
  /** `map[string]string`. */
  | { readonly kind: 'string-map' }
  /** A slice. */
  | { readonly kind: 'list'; readonly of: Schema }
  /** A pointer. */
  | { readonly kind: 'pointer'; readonly to: Schema }
  /** `json.RawMessage`; only its presence is used. */
  | { readonly kind: 'presence' }
  /** A struct with fields in the order of encoding. */
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

/** Schema of a struct that is decoded to a `Value`. */
export type StructSchema<Value> = Schema & { readonly kind: 'struct'; readonly value?: Value };

/** A field of a struct. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  /** Whether the zero value is omitted (struct tag `omitempty`). */
  readonly omitEmpty?: boolean;
}

/**
 * A decoded struct: properties with the names of the JSON fields, absent if `omitempty` omits their zero value. Exact
 * values of integers that a JavaScript number rounds are in the property {@link EXACT}, which object spread preserves.
 */
export interface StructValue {
  [name: string]: unknown;
  [EXACT]?: Record<string, bigint>;
}

/** Key of the exact integers of a struct, by field name. */
export const EXACT: unique symbol = Symbol('exact');

/** Returns the zero value of a Go type. Slices, maps and pointers are null. */
export function zeroValue(schema: Schema): unknown {
  switch (schema.kind) {
    case 'string':
      return '';
    case 'integer':
      return 0;
    case 'presence':
      return false;
    case 'struct':
      return Object.fromEntries(
        schema.fields.filter(({ omitEmpty }) => !omitEmpty).map((field) => [field.name, zeroValue(field.schema)]),
      );
    default:
      return null;
  }
}

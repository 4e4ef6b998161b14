/** How a Go type is written as JSON; the kinds that the structs of image manifests are made of. */
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
  /** `json.RawMessage`, of which only its presence is asked. */
  | { readonly kind: 'presence' }
  /** A struct; its fields in the order in which they are written. */
  | { readonly kind: 'struct'; readonly fields: readonly Field[] };

/** A struct that is held as a `Value`. */
export type StructSchema<Value> = Schema & { readonly kind: 'struct'; readonly holds?: Value };

/** A field of a struct. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  /** Whether the zero value is left out (the tag `omitempty`). */
  readonly omitEmpty?: boolean;
}

/**
 * A struct as it is held here: plain properties named as in JSON, absent if `omitempty` leaves out their zero value. Of
 * whole numbers that a `number` rounds, the exact values stand under a symbol, which spreading an object keeps.
 */
export interface StructValue {
  [name: string]: unknown;
  [EXACT]?: Record<string, bigint>;
}

/** Key of the exact values of a struct's numbers, by the names of their fields. */
export const EXACT: unique symbol = Symbol('exact');

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
      return Object.fromEntries(
        schema.fields.filter(({ omitEmpty }) => !omitEmpty).map((field) => [field.name, zeroValue(field.schema)]),
      );
    default:
      return null;
  }
}

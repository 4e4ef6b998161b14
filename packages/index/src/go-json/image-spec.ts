import type { Descriptor, Platform } from '@soci/oci';
import type { Field, Schema, StructSchema } from './schema.ts';

// Descriptors and platforms are those of `@soci/oci`. Go's zero value is represented by an absent property, except for
// lists that Go writes as null.

/** Common fields of image manifests and image indexes. */
interface DocumentHead {
  schemaVersion: number;
  mediaType?: string;
  artifactType?: string;
  subject?: Descriptor;
  annotations?: Readonly<Record<string, string>>;
}

/** An image manifest as soci decodes it. */
export interface ManifestDocument extends DocumentHead {
  config: Descriptor;
  layers: readonly Descriptor[] | null;
}

/** An image index as soci decodes it. */
export interface IndexDocument extends DocumentHead {
  manifests: readonly Descriptor[] | null;
}

const STRING: Schema = { kind: 'string' };
const INTEGER: Schema = { kind: 'integer' };

const ANNOTATIONS: Field = { name: 'annotations', schema: { kind: 'string-map' }, omitEmpty: true };

// The structs of github.com/opencontainers/image-spec v1.1.1, specs-go/v1, with fields in the same order.

/** The platform of an image configuration. */
export const PLATFORM: StructSchema<Platform> = {
  kind: 'struct',
  fields: [
    { name: 'architecture', schema: STRING },
    { name: 'os', schema: STRING },
    { name: 'os.version', schema: STRING, omitEmpty: true },
    { name: 'os.features', schema: { kind: 'list', of: STRING }, omitEmpty: true },
    { name: 'variant', schema: STRING, omitEmpty: true },
  ],
};

/** The part of an image configuration that lists the uncompressed layers. */
export const ROOTFS: StructSchema<{ rootfs: { diff_ids: readonly string[] | null } }> = {
  kind: 'struct',
  fields: [
    {
      name: 'rootfs',
      schema: { kind: 'struct', fields: [{ name: 'diff_ids', schema: { kind: 'list', of: STRING } }] },
    },
  ],
};

const DESCRIPTOR: StructSchema<Descriptor> = {
  kind: 'struct',
  fields: [
    { name: 'mediaType', schema: STRING },
    { name: 'digest', schema: STRING },
    { name: 'size', schema: INTEGER },
    { name: 'urls', schema: { kind: 'list', of: STRING }, omitEmpty: true },
    ANNOTATIONS,
    { name: 'data', schema: { kind: 'bytes' }, omitEmpty: true },
    { name: 'platform', schema: { kind: 'pointer', to: PLATFORM }, omitEmpty: true },
    { name: 'artifactType', schema: STRING, omitEmpty: true },
  ],
};

const HEAD: readonly Field[] = [
  { name: 'schemaVersion', schema: INTEGER },
  { name: 'mediaType', schema: STRING, omitEmpty: true },
  { name: 'artifactType', schema: STRING, omitEmpty: true },
];

const TAIL: readonly Field[] = [
  { name: 'subject', schema: { kind: 'pointer', to: DESCRIPTOR }, omitEmpty: true },
  ANNOTATIONS,
];

const DESCRIPTORS: Schema = { kind: 'list', of: DESCRIPTOR };

/** An image manifest. */
export const MANIFEST: StructSchema<ManifestDocument> = {
  kind: 'struct',
  fields: [...HEAD, { name: 'config', schema: DESCRIPTOR }, { name: 'layers', schema: DESCRIPTORS }, ...TAIL],
};

/** An image index. */
export const INDEX: StructSchema<IndexDocument> = {
  kind: 'struct',
  fields: [...HEAD, { name: 'manifests', schema: DESCRIPTORS }, ...TAIL],
};

type DocumentOutline = Record<'config' | 'layers' | 'manifests' | 'fsLayers', boolean> & { mediaType: string };

/** Fields that distinguish manifests, image indexes and Docker schema 1 (containerd v2.2.9, `unknownDocument`). */
export const OUTLINE: StructSchema<DocumentOutline> = {
  kind: 'struct',
  fields: [
    { name: 'mediaType', schema: STRING },
    { name: 'config', schema: { kind: 'presence' } },
    { name: 'layers', schema: { kind: 'presence' } },
    { name: 'manifests', schema: { kind: 'presence' } },
    { name: 'fsLayers', schema: { kind: 'presence' } },
  ],
};

/** Returns a descriptor for callers, without `urls` and embedded data. */
export function summarize({ urls, data, ...descriptor }: Descriptor): Descriptor {
  return descriptor;
}

import type { Descriptor, Platform } from '@soci/oci';
import { decodeStruct } from './decode.ts';
import { encodeStruct } from './encode.ts';
import type { Field, Schema } from './schema.ts';

// Descriptors and platforms are those of `@soci/oci`. What is Go's zero value is absent, except for lists that Go writes
// as null.

/** What image manifests and image indexes have in common. */
interface DocumentHead {
  schemaVersion: number;
  mediaType?: string;
  artifactType?: string;
  subject?: Descriptor;
  annotations?: Readonly<Record<string, string>>;
}

/** An image manifest as the reference holds it. */
export interface ManifestDocument extends DocumentHead {
  config: Descriptor;
  layers: readonly Descriptor[] | null;
}

/** An image index as the reference holds it. */
export interface IndexDocument extends DocumentHead {
  manifests: readonly Descriptor[] | null;
}

type StructSchema = Schema & { kind: 'struct' };

const STRING: Schema = { kind: 'string' };
const INTEGER: Schema = { kind: 'integer' };

const ANNOTATIONS: Field = { name: 'annotations', schema: { kind: 'string-map' }, omitEmpty: true };

// The structs of github.com/opencontainers/image-spec v1.1.1, specs-go/v1, field by field in their order.

const PLATFORM: StructSchema = {
  kind: 'struct',
  fields: [
    { name: 'architecture', schema: STRING },
    { name: 'os', schema: STRING },
    { name: 'os.version', schema: STRING, omitEmpty: true },
    { name: 'os.features', schema: { kind: 'list', of: STRING }, omitEmpty: true },
    { name: 'variant', schema: STRING, omitEmpty: true },
  ],
};

const DESCRIPTOR: StructSchema = {
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

const MANIFEST: StructSchema = {
  kind: 'struct',
  fields: [...HEAD, { name: 'config', schema: DESCRIPTOR }, { name: 'layers', schema: DESCRIPTORS }, ...TAIL],
};

const INDEX: StructSchema = { kind: 'struct', fields: [...HEAD, { name: 'manifests', schema: DESCRIPTORS }, ...TAIL] };

// containerd v2.2.9, core/images/image.go, `unknownDocument`.
const OUTLINE: StructSchema = {
  kind: 'struct',
  fields: [
    { name: 'mediaType', schema: STRING },
    { name: 'config', schema: { kind: 'presence' } },
    { name: 'layers', schema: { kind: 'presence' } },
    { name: 'manifests', schema: { kind: 'presence' } },
    { name: 'fsLayers', schema: { kind: 'presence' } },
  ],
};

/** What tells a manifest from an image index, and from Docker's first schema: the fields that are there. */
export interface DocumentOutline {
  readonly mediaType: string;
  readonly config: boolean;
  readonly layers: boolean;
  readonly manifests: boolean;
  readonly fsLayers: boolean;
}

/** Reads which of the telling fields a document has. @throws SociIndexError `MANIFEST_INVALID` */
export function decodeOutline(bytes: Uint8Array): DocumentOutline {
  return decodeStruct(OUTLINE, bytes) as unknown as DocumentOutline;
}

/** Reads an image manifest. @throws SociIndexError `MANIFEST_INVALID` */
export function decodeManifest(bytes: Uint8Array): ManifestDocument {
  return decodeStruct(MANIFEST, bytes) as unknown as ManifestDocument;
}

/** Reads an image index. @throws SociIndexError `MANIFEST_INVALID` */
export function decodeIndex(bytes: Uint8Array): IndexDocument {
  return decodeStruct(INDEX, bytes) as unknown as IndexDocument;
}

/** Reads the platform of an image configuration. @throws SociIndexError `MANIFEST_INVALID` */
export function decodePlatform(bytes: Uint8Array): Platform {
  return decodeStruct(PLATFORM, bytes) as unknown as Platform;
}

/** Writes an image manifest, byte for byte as the reference does. */
export function encodeManifest(manifest: ManifestDocument): Uint8Array {
  return encodeStruct(MANIFEST, manifest);
}

/** Writes an image index, byte for byte as the reference does. */
export function encodeIndex(index: IndexDocument): Uint8Array {
  return encodeStruct(INDEX, index);
}

/** What callers are told of a descriptor: what it names, without `urls` and embedded data. */
export function summarize({ urls, data, ...descriptor }: Descriptor): Descriptor {
  return descriptor;
}

import type { Descriptor, Platform } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { decodeStruct } from './decode.ts';
import { encodeStruct } from './encode.ts';
import type { Field, Integer, Schema } from './schema.ts';
import { decodeBase64 } from './string.ts';

/** A descriptor as the reference holds it: the fields it knows, null where a list, map or pointer was not given. */
export interface DescriptorStruct {
  mediaType: string;
  digest: string;
  size: Integer;
  urls: string[] | null;
  annotations: Map<string, string> | null;
  data: Uint8Array | null;
  platform: PlatformStruct | null;
  artifactType: string;
}

/** A platform as the reference holds it. */
export interface PlatformStruct {
  architecture: string;
  os: string;
  'os.version': string;
  'os.features': string[] | null;
  variant: string;
}

/** An image manifest as the reference holds it. */
export interface ManifestStruct {
  schemaVersion: Integer;
  mediaType: string;
  artifactType: string;
  config: DescriptorStruct;
  layers: DescriptorStruct[] | null;
  subject: DescriptorStruct | null;
  annotations: Map<string, string> | null;
}

/** An image index as the reference holds it. */
export interface IndexStruct {
  schemaVersion: Integer;
  mediaType: string;
  artifactType: string;
  manifests: DescriptorStruct[] | null;
  subject: DescriptorStruct | null;
  annotations: Map<string, string> | null;
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
export function decodeManifest(bytes: Uint8Array): ManifestStruct {
  return decodeStruct(MANIFEST, bytes) as unknown as ManifestStruct;
}

/** Reads an image index. @throws SociIndexError `MANIFEST_INVALID` */
export function decodeIndex(bytes: Uint8Array): IndexStruct {
  return decodeStruct(INDEX, bytes) as unknown as IndexStruct;
}

/** Reads the platform of an image configuration. @throws SociIndexError `MANIFEST_INVALID` */
export function decodePlatform(bytes: Uint8Array): PlatformStruct {
  return decodeStruct(PLATFORM, bytes) as unknown as PlatformStruct;
}

/** Writes an image manifest, byte for byte as the reference does. */
export function encodeManifest(manifest: ManifestStruct): Uint8Array {
  return encodeStruct(MANIFEST, manifest);
}

/** Writes an image index, byte for byte as the reference does. */
export function encodeIndex(index: IndexStruct): Uint8Array {
  return encodeStruct(INDEX, index);
}

/** A descriptor struct of the three fields that every descriptor has. */
export function plainDescriptor(mediaType: string, digest: string, size: Integer): DescriptorStruct {
  return { mediaType, digest, size, urls: null, annotations: null, data: null, platform: null, artifactType: '' };
}

/** A caller's descriptor as a struct. @throws SociIndexError `MANIFEST_INVALID` */
export function toDescriptorStruct(descriptor: Descriptor): DescriptorStruct {
  return {
    ...plainDescriptor(descriptor.mediaType, descriptor.digest, descriptor.size),
    urls: descriptor.urls === undefined ? null : [...descriptor.urls],
    annotations: descriptor.annotations === undefined ? null : new Map(Object.entries(descriptor.annotations)),
    data: descriptor.data === undefined ? null : decodeData(descriptor.data, descriptor.digest),
    platform: descriptor.platform === undefined ? null : toPlatformStruct(descriptor.platform),
    artifactType: descriptor.artifactType ?? '',
  };
}

function decodeData(data: string, digest: string): Uint8Array {
  const bytes = decodeBase64(data);
  if (bytes !== undefined) return bytes;
  throw new SociIndexError('MANIFEST_INVALID', `the descriptor of ${digest} embeds data that is not base64`, {
    digest,
  });
}

/** A struct as the descriptor that callers and stores know: digest, size, types, platform and annotations. */
export function toDescriptor(struct: DescriptorStruct): Descriptor {
  return {
    mediaType: struct.mediaType,
    digest: struct.digest,
    size: Number(struct.size),
    ...(struct.artifactType !== '' && { artifactType: struct.artifactType }),
    ...(struct.platform !== null && { platform: toPlatform(struct.platform) }),
    ...(struct.annotations !== null && { annotations: Object.fromEntries(struct.annotations) }),
  };
}

/** A caller's platform as a struct. */
export function toPlatformStruct(platform: Platform): PlatformStruct {
  return {
    architecture: platform.architecture,
    os: platform.os,
    'os.version': platform['os.version'] ?? '',
    'os.features': platform['os.features'] === undefined ? null : [...platform['os.features']],
    variant: platform.variant ?? '',
  };
}

/** A struct as the platform that callers know. */
export function toPlatform(struct: PlatformStruct): Platform {
  return {
    architecture: struct.architecture,
    os: struct.os,
    ...(struct['os.version'] !== '' && { 'os.version': struct['os.version'] }),
    ...(struct['os.features'] !== null && { 'os.features': struct['os.features'] }),
    ...(struct.variant !== '' && { variant: struct.variant }),
  };
}

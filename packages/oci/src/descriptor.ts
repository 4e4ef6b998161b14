import {
  asObject,
  digestField,
  field,
  mediaTypeField,
  optionalMediaType,
  optionalString,
  optionalStringMap,
  optionalStrings,
  sizeField,
} from './document.ts';
import { type Platform, parsePlatformObject } from './platform.ts';

/**
 * Identifies a blob or a manifest by media type, digest and size.
 *
 * @see OCI image-spec v1.1, descriptor.md
 */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** `sha256:<64 hex digits>`. `sha512` digests are accepted but not created. */
  readonly digest: string;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Other locations of the content. Kept, not used. */
  readonly urls?: readonly string[];
  /** Arbitrary metadata, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, base64. Kept, not used. */
  readonly data?: string;
  /** Artifact type of the manifest. */
  readonly artifactType?: string;
  /** Platform of the image, in image indexes only. */
  readonly platform?: Platform;
}

/**
 * Parses and checks the JSON value of a descriptor. Absent, null and empty fields are omitted. Unknown fields are
 * dropped; they remain in the raw bytes of the manifest.
 *
 * @param where - Location of the value for error messages, such as `manifest.layers[2]`.
 * @throws OciError `MANIFEST_INVALID`
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  const object = asObject(value, where);
  const urls = optionalStrings(object, 'urls', where);
  const annotations = optionalStringMap(object, 'annotations', where);
  const data = optionalString(object, 'data', where);
  const artifactType = optionalMediaType(object, 'artifactType', where);
  const platform = field(object, 'platform');
  return {
    mediaType: mediaTypeField(object, 'mediaType', where),
    digest: digestField(object, 'digest', where),
    size: sizeField(object, 'size', where),
    ...(urls && { urls }),
    ...(annotations && { annotations }),
    ...(data && { data }),
    ...(artifactType && { artifactType }),
    ...(platform !== undefined && { platform: parsePlatformObject(platform, `${where}.platform`) }),
  };
}

/** Returns media type, digest and size of a descriptor, without annotations, platform and other fields. */
export function bareDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

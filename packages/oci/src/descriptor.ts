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
 * Names a blob or a manifest by what it is: media type, digest and size.
 *
 * @see OCI image-spec v1.1, descriptor.md
 */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** `sha256:<64 hex digits>` (sha512 is understood where it is read, never made). */
  readonly digest: string;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Where else the content may be fetched; kept, never followed. */
  readonly urls?: readonly string[];
  /** Arbitrary metadata, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, base64; kept, never trusted. */
  readonly data?: string;
  /** Type of the artifact that a manifest descriptor names. */
  readonly artifactType?: string;
  /** What the named image runs on; in image indexes only. */
  readonly platform?: Platform;
}

/**
 * Checks a parsed JSON value and makes a descriptor of it. Fields that are absent, null or empty text are left out;
 * unknown ones are dropped: they live on in the raw bytes of the manifest.
 *
 * @param where - What the value is and where it stands, for error messages, such as `manifest.layers[2]`.
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

/** The three fields that say what content is, without annotations, platform and the rest. */
export function bareDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

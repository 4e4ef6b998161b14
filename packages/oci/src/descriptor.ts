import type { Platform } from './platform.ts';

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
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, base64; kept, never trusted. */
  readonly data?: string;
  /** Type of the artifact that a manifest descriptor names. */
  readonly artifactType?: string;
  /** What the named image runs on; in image indexes only. */
  readonly platform?: Platform;
}

import type { ByteRange } from '@soci/oci';

/**
 * Maximum size of an encoded profile, in bytes: 4 MiB. A start that reads 10,000 files needs about 1 MB.
 *
 * @see parseProfile
 */
export const MAX_PROFILE_SIZE = 4 << 20;

/** Maximum number of files in a profile. */
export const MAX_PROFILE_FILES = 100_000;

/** Maximum number of ranges in a profile, over all files. */
export const MAX_PROFILE_RANGES = 100_000;

/** Maximum length of a path in a profile, in bytes of UTF-8: `PATH_MAX` of Linux. */
export const MAX_PROFILE_PATH_LENGTH = 4096;

/**
 * What the start of a container reads. `parseProfile` reads it from a file, `encodeProfile` writes it. A profile names paths,
 * not layers, so that it also applies to later versions of the image.
 */
export interface StartProfile {
  /** The files that the start reads, each path once. */
  readonly files: readonly ProfileFile[];
  /** Where the profile comes from: a recorded start, a prediction from the image, or a person. Informational. */
  readonly origin?: ProfileOrigin;
}

/** Origin of a {@link StartProfile}. */
export type ProfileOrigin = 'recorded' | 'predicted' | 'written';

/** A file that the start of a container reads. */
export interface ProfileFile {
  /** Absolute path in the container, without `.`, `..` and trailing slashes. */
  readonly path: string;
  /**
   * Bytes of the file that the start reads. Sorted, not overlapping and not adjacent.
   *
   * @default the whole file
   */
  readonly ranges?: readonly ByteRange[];
}

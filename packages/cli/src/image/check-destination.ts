import { OciError } from '@soci/oci';
import { ANNOTATION_REF_NAME } from '@soci/oci/layout';
import { CliError, usageError } from '../errors.ts';
import type { ImageSource } from '../transports/layout-stores.ts';
import type { DestinationLocation, ImageLocation } from '../transports/location.ts';

/** A tag that a suffix was added to twice, such as `v1-soci-soci`. */
const REPEATED_SUFFIX = /(?:[-_.]soci){2,}$/i;

/**
 * Rejects tags such as `v1-soci-soci`: a script has added the suffix to the tag of an image that is indexed already.
 *
 * @throws CliError `USAGE_INVALID`
 */
export function checkSuffix(tags: readonly string[]): void {
  const repeated = tags.find((tag) => REPEATED_SUFFIX.test(tag));
  if (repeated === undefined) return;
  const original = repeated.replace(REPEATED_SUFFIX, '');
  throw usageError(
    `the tag ${repeated} has the suffix of an indexed image more than once`,
    `Index the image ${original}, or name the result ${original}-soci, or otherwise.`,
  );
}

/** What {@link checkSourceKept} needs to know. */
export interface OverwriteCheck {
  readonly version: 1 | 2;
  readonly source: ImageLocation;
  readonly destination: DestinationLocation;
  /** Tags of the result. */
  readonly tags: readonly string[];
  /** Aborts requests to the registry. */
  readonly signal: AbortSignal;
}

/**
 * Checks that the result does not replace the image that it is made of. The caller knows that both locations are in the
 * same repository, layout or file.
 *
 * @throws CliError `TAG_TAKEN` if a tag of the result is that of the source, or if the result replaces the file of the source.
 */
export async function checkSourceKept(
  { store, reference }: ImageSource,
  { version, source, destination, tags, signal }: OverwriteCheck,
): Promise<void> {
  const remedy = 'Choose another name for DST, or overwrite the image with --overwrite-source.';
  if (destination.transport === 'oci-archive') {
    throw new CliError('TAG_TAKEN', `${destination.text} would replace the file of ${source.text}`, { remedy });
  }
  // An image that does not change can keep its tag.
  if (version === 1) return;
  for (const tag of tags) {
    let isTaken: boolean;
    if (typeof reference !== 'string') isTaken = reference.annotations?.[ANNOTATION_REF_NAME] === tag;
    else if (source.transport === 'registry' && source.digest === undefined) isTaken = reference === tag;
    else {
      // An image that is named by its digest loses the tag that names it, and the registry may delete it.
      const named = await store.resolve(tag, { signal }).catch((error: unknown) => {
        if (!(error instanceof OciError && error.code === 'NOT_FOUND')) throw error;
        return undefined;
      });
      isTaken = named?.digest === reference;
    }
    if (isTaken) throw new CliError('TAG_TAKEN', `the tag ${tag} names the source image ${source.text}`, { remedy });
  }
}

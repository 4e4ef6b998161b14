import { type Descriptor, digestOf, OciError, parseDigest } from '@soci/oci';

/**
 * Checks that bytes in memory are what their descriptor says.
 *
 * @param where - What the bytes are, for error messages.
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export function checkContent(content: Uint8Array, { digest, size }: Descriptor, where: string): void {
  if (content.length !== size) {
    throw new OciError('SIZE_MISMATCH', `${where} has ${content.length} bytes, its descriptor ${digest} says ${size}`);
  }
  const actual = digestOf(content, parseDigest(digest).algorithm);
  if (actual !== digest) {
    throw new OciError(
      'DIGEST_MISMATCH',
      `${where} has the digest ${actual}, not ${digest}: it is damaged or not the one asked for`,
    );
  }
}

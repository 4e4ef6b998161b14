import { type Descriptor, digestOf, OciError, parseDigest } from '@soci/oci';
import { describeRequest } from '../transport/http-message.ts';
import { digestHeader } from './answer.ts';
import type { WholeResponse } from './registry-http.ts';

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

/**
 * Checks the answer to the PUT of a blob or a manifest.
 *
 * @throws OciError `DIGEST_MISMATCH` where the registry says that it stored something else.
 */
export function checkStored(response: WholeResponse, { digest }: Descriptor): void {
  const stored = digestHeader('PUT', response);
  // A registry may tell the digest of another algorithm than it was given.
  if (stored === undefined || stored === digest) return;
  if (parseDigest(stored).algorithm !== parseDigest(digest).algorithm) return;
  const request = describeRequest('PUT', response.url);
  throw new OciError('DIGEST_MISMATCH', `${request}: the registry stored ${digest} as ${stored}`);
}

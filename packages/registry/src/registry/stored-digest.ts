import { type Descriptor, OciError, parseDigest } from '@soci/oci';
import type { WholeResponse } from '../transport/registry-http.ts';
import { describeRequest } from '../transport/request-line.ts';
import { digestHeader } from './answer.ts';

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

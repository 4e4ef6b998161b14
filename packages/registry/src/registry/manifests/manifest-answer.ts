import {
  type Descriptor,
  describeManifest,
  digestOf,
  isImageIndex,
  isManifestOrIndex,
  OciError,
  type OciLimits,
  parseDigest,
  parseImageIndex,
  parseManifest,
} from '@soci/oci';
import type { WholeResponse } from '../../transport/registry-http.ts';
import { describeRequest } from '../../transport/request-line.ts';
import { mediaTypeOf, refuseHtml } from '../answer.ts';

/**
 * Makes the descriptor of a manifest that a registry answered with, from the bytes; the media type is the one that the
 * answer's `Content-Type` and the manifest's own field agree on.
 *
 * @param algorithmOf - A digest whose algorithm the new one is to have.
 * @throws OciError `MANIFEST_INVALID` where they do not agree, or it is no manifest; `LIMIT_EXCEEDED`. RegistryError `RESPONSE_INVALID`
 */
export function describeAnswer(response: WholeResponse, limits: OciLimits, algorithmOf?: string): Descriptor {
  refuseHtml(response);
  const raw = response.body;
  try {
    const described = describeManifest(raw, limits.maxManifestSize);
    const answered = mediaTypeOf(response);
    const mediaType = isManifestOrIndex(answered) ? answered : described.mediaType;
    // Two media types may only mean the same where the manifest itself names none: parsing tells.
    if (mediaType !== described.mediaType) {
      const parse = isImageIndex(mediaType) ? parseImageIndex : parseManifest;
      parse(raw, { mediaType }, limits);
    }
    const digest = algorithmOf === undefined ? described.digest : digestOf(raw, parseDigest(algorithmOf).algorithm);
    return { mediaType, digest, size: raw.length };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const where = describeRequest('GET', response.url);
    throw new OciError(error.code, `${where}: ${error.message}`, { cause: error });
  }
}

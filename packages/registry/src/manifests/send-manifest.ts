import { type Descriptor, isDigest } from '@soci/oci';
import { checkStored } from '../client/checked-content.ts';
import { RegistryError } from '../errors.ts';
import { type Context, exchange } from '../repository-context.ts';
import type { HttpBody } from '../transport/http-message.ts';
import { manifestPath, resolveManifest } from './manifests.ts';

/**
 * Puts a manifest under a tag or its digest. The caller has checked that the bytes are what `target` says.
 *
 * @returns Whether the registry said that it lists the manifest as a referrer of its subject.
 * @throws RegistryError `MANIFEST_REFUSED`, `TAG_IMMUTABLE`; OciError `DIGEST_MISMATCH` where the registry made something
 * else of it.
 * @see OCI distribution-spec v1.1, "Pushing Manifests"
 */
export async function sendManifest(
  context: Context,
  target: Descriptor,
  body: HttpBody,
  reference: string,
): Promise<boolean> {
  try {
    const path = manifestPath(context, reference);
    const headers = { 'content-type': target.mediaType };
    const response = await exchange(context, 'push', { method: 'PUT', target: path, headers, body });
    checkStored(response, target);
    return response.headers['oci-subject'] !== undefined;
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === 'TAG_IMMUTABLE') || isDigest(reference)) throw error;
    await settleImmutableTag(context, target, reference, error);
    return false;
  }
}

/** Writing a tag again that names the same manifest already is no conflict. */
async function settleImmutableTag(
  context: Context,
  target: Descriptor,
  tag: string,
  cause: RegistryError,
): Promise<void> {
  const current = await resolveManifest(context, tag);
  if (current.digest === target.digest) return;
  throw new RegistryError(
    'TAG_IMMUTABLE',
    `the tag ${tag} of ${context.name} names ${current.digest} and may not be moved to ${target.digest}: choose another ` +
      'tag, or exempt this one (in Amazon ECR by a tag immutability exclusion filter, such as *-soci)',
    { cause, refusals: cause.refusals, request: cause.request, status: cause.status },
  );
}

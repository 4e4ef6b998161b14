import { type Descriptor, readReferral } from '@soci/oci';
import { checkTag } from '../names.ts';
import { type Context, exchange } from '../repository-context.ts';
import { contentPath, isManifest, manifestPath, readManifest } from './manifests.ts';
import { removeReferrer } from './referrers.ts';

/**
 * Removes a tag. The manifest remains.
 *
 * @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `UNSUPPORTED`
 */
export async function deleteTag(context: Context, tag: string): Promise<void> {
  checkTag(tag);
  await exchange(context, 'delete', { method: 'DELETE', target: manifestPath(context, tag) });
}

/**
 * Deletes a blob, or a manifest with the tags that refer to it. A manifest with a subject is removed from the referrers
 * tag, if the registry has no referrers API.
 *
 * @see OCI distribution-spec v1.1, "Content Management"
 */
export async function deleteContent(context: Context, target: Descriptor): Promise<void> {
  const path = contentPath(context, target);
  const raw = isManifest(target) ? await readManifest(context, target) : undefined;
  const referral = raw && readReferral(target, raw, context.limits);
  await exchange(context, 'delete', { method: 'DELETE', target: path });
  context.manifests.delete(target.digest);
  if (referral !== undefined) await removeReferrer(context, referral);
}

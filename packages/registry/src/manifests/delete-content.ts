import { type Descriptor, readReferral } from '@soci/oci';
import { checkTag } from '../names.ts';
import { type Context, exchange } from '../repository-context.ts';
import { contentPath, isManifest, manifestPath, readManifest } from './manifests.ts';
import { retractReferrer } from './referrers.ts';

/** Takes a name away; what it named stays. @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `UNSUPPORTED` */
export async function deleteTag(context: Context, tag: string): Promise<void> {
  checkTag(tag);
  await exchange(context, 'delete', { method: 'DELETE', target: manifestPath(context, tag) });
}

/**
 * Deletes a manifest, and with it the tags that name it; or a blob. A manifest with a subject is taken off the list of
 * its referrers, where that is kept under a tag.
 *
 * @see OCI distribution-spec v1.1, "Content Management"
 */
export async function deleteContent(context: Context, target: Descriptor): Promise<void> {
  const path = contentPath(context, target);
  const raw = isManifest(target) ? await readManifest(context, target) : undefined;
  const referral = raw && readReferral(target, raw, context.limits);
  await exchange(context, 'delete', { method: 'DELETE', target: path });
  context.manifests.delete(target.digest);
  if (referral !== undefined) await retractReferrer(context, referral);
}

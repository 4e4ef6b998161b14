import { type CallOptions, type Descriptor, readReferral } from '@soci/oci';
import { deleteScope } from '../auth/scope.ts';
import { blobPath } from '../blobs/remote-blob.ts';
import { checkTag } from '../names.ts';
import type { Context } from '../repository-context.ts';
import { isManifest, manifestPath, readManifest } from './manifests.ts';
import { retractReferrer } from './referrers.ts';

/** Takes a name away; what it named stays. @throws OciError `NOT_FOUND`, `REFERENCE_INVALID`; RegistryError `UNSUPPORTED` */
export async function deleteTag(context: Context, tag: string, call: CallOptions): Promise<void> {
  checkTag(tag);
  await sendDelete(context, manifestPath(context, tag), call);
}

/**
 * Deletes a manifest, and with it the tags that name it; or a blob. A manifest with a subject is taken off the list of
 * its referrers, where that is kept under a tag.
 *
 * @throws OciError `NOT_FOUND`; RegistryError `UNSUPPORTED` where the registry deletes nothing.
 * @see OCI distribution-spec v1.1, "Content Management"
 */
export async function deleteContent(context: Context, target: Descriptor, call: CallOptions): Promise<void> {
  if (!isManifest(target)) {
    await sendDelete(context, blobPath(context.path, target.digest), call);
    return;
  }
  const referral = readReferral(target, await readManifest(context, target, call), context.limits);
  await sendDelete(context, manifestPath(context, target.digest), call);
  context.manifests.delete(target.digest);
  if (referral !== undefined) await retractReferrer(context, referral, call);
}

async function sendDelete(context: Context, target: string, call: CallOptions): Promise<void> {
  await context.http.exchange({ method: 'DELETE', target, scope: deleteScope(context.path), ...call });
}

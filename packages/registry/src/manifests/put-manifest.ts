import { type CallOptions, type Descriptor, readReferral } from '@soci/oci';
import { checkContent } from '../client/check-response.ts';
import { checkTag } from '../names.ts';
import type { Context } from '../repository-context.ts';
import { checkManifestSize, confirmManifest, probeContent, requireManifest, sendManifest } from './manifests.ts';
import { addReferrer } from './referrers.ts';

/** Options of `Repository.pushManifest`. */
export interface PushManifestOptions extends CallOptions {
  /** Tag to push the manifest under, in the same request. @default none: it is pushed under its digest */
  readonly tag?: string;
  /**
   * Check with a HEAD that the tag, or the digest if there is no tag, refers to the manifest afterwards. Registries and
   * proxies have reported success without storing anything. Costs one request.
   *
   * @default false
   */
  readonly confirm?: boolean;
}

/** Options of {@link putManifest}. */
interface PutManifestOptions {
  readonly tag?: string | undefined;
  readonly confirm?: boolean | undefined;
  /** False if the client must first check whether the manifest exists. @default true */
  readonly isAbsent?: boolean;
}

/**
 * Pushes a manifest, and tags it if a tag is given. A manifest with a subject becomes a referrer of it; if the registry
 * has no referrers API, the client updates the referrers tag.
 */
export async function putManifest(
  context: Context,
  target: Descriptor,
  raw: Uint8Array,
  { tag, confirm = false, isAbsent = true }: PutManifestOptions,
): Promise<void> {
  requireManifest(target);
  if (tag !== undefined) checkTag(tag);
  checkManifestSize(context, target);
  checkContent(raw, target, 'the manifest');
  const referral = readReferral(target, raw, context.limits);

  const isPresent = !isAbsent && (await probeContent(context, target));
  // An existing manifest may not be listed as a referrer yet, if its push was interrupted.
  const isAcknowledged = !isPresent && (await sendManifest(context, target, raw, tag ?? target.digest));
  // A copy, because the caller may modify the original.
  context.manifests.add(target.digest, new Uint8Array(raw));
  if (referral !== undefined) await addReferrer(context, referral, isAcknowledged);
  if (confirm) await confirmManifest(context, target, tag ?? target.digest);
}

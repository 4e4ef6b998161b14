import { type CallOptions, type Descriptor, readReferral } from '@soci/oci';
import { checkContent } from '../client/answer.ts';
import { checkTag } from '../names.ts';
import type { Context } from '../repository-context.ts';
import { checkManifestSize, probeContent, requireManifest, sendManifest } from './manifests.ts';
import { announceReferrer } from './referrers.ts';

/** Options of `Repository.pushManifest`. */
export interface PushManifestOptions extends CallOptions {
  /** Tag to put it under, in the same request. @default none: it is put under its digest */
  readonly tag?: string;
}

/**
 * Stores a manifest, and names it where a tag is given. A manifest with a subject is listed as its referrer, by the
 * registry or, where that has no referrers API, by us.
 *
 * @param options - `isAbsent`: false if the registry is first asked whether it has the manifest.
 */
export async function putManifest(
  context: Context,
  target: Descriptor,
  raw: Uint8Array,
  { tag, isAbsent = true }: { readonly tag?: string | undefined; readonly isAbsent?: boolean },
): Promise<void> {
  requireManifest(target);
  if (tag !== undefined) checkTag(tag);
  checkManifestSize(context, target);
  checkContent(raw, target, 'the manifest');
  const referral = readReferral(target, raw, context.limits);

  const isThere = !isAbsent && (await probeContent(context, target));
  // Whoever put what is there may not have come to list it.
  const isAcknowledged = !isThere && (await sendManifest(context, target, raw, tag ?? target.digest));
  // A copy: the caller may go on with its own.
  context.manifests.add(target.digest, new Uint8Array(raw));
  if (referral !== undefined) await announceReferrer(context, referral, isAcknowledged);
}

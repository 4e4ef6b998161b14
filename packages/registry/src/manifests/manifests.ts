import {
  type Descriptor,
  describeManifest,
  digestOf,
  isDigest,
  isImageIndex,
  isManifestOrIndex,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  OciError,
  type OciLimits,
  parseDigest,
  parseImageIndex,
  parseManifest,
} from '@soci/oci';
import { blobPath } from '../blobs/remote-blob.ts';
import { checkContent, checkStored, digestHeader, mediaTypeOf, refuseHtml } from '../client/answer.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import { checkReference } from '../names.ts';
import { type Context, exchange } from '../repository-context.ts';
import { describeRequest, type HttpBody } from '../transport/http-message.ts';

/**
 * What is asked for: every type that is understood, so that no registry converts one into another (ECR does, by tag), and
 * whatever else there is, so that an image of another kind is refused by what it is, not as missing. It is containerd's
 * list, which every registry has seen.
 */
const ACCEPT = [
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  '*/*',
].join(', ');

/** Whether content of this type is kept under `/manifests/`; everything else is a blob. */
export function isManifest({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return isManifestOrIndex(mediaType);
}

/** @throws OciError `MANIFEST_INVALID` for a blob, which bears no name. */
export function requireManifest(target: Descriptor): void {
  if (isManifest(target)) return;
  const { digest, mediaType } = target;
  throw new OciError('MANIFEST_INVALID', `${digest} is a blob (${mediaType}): only manifests bear names`);
}

/** Path of a manifest. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` where `reference` is neither tag nor digest */
export function manifestPath({ path }: Context, reference: string): string {
  checkReference(reference);
  return `/v2/${path}/manifests/${reference}`;
}

/** Path of a manifest by its digest, or of a blob. @throws OciError `DIGEST_INVALID` */
export function contentPath(context: Context, target: Descriptor): string {
  return isManifest(target) ? manifestPath(context, target.digest) : blobPath(context.path, target.digest);
}

/** Finds out what a tag or digest stands for, in one request: the manifest itself is asked for, and kept. */
export async function resolveManifest(context: Context, reference: string): Promise<Descriptor> {
  const response = await getManifest(context, reference);
  const promised = isDigest(reference) ? reference : digestHeader('GET', response);
  const found = describeAnswer(response, context.limits, promised);
  if (promised !== undefined && found.digest !== promised) {
    if (!isDigest(reference)) return resolveManifest(context, promised); // what the tag stands for, by its own word
    const request = describeRequest('GET', response.url);
    throw new OciError('DIGEST_MISMATCH', `${request}: the manifest that came has the digest ${found.digest}`);
  }
  context.manifests.add(found.digest, response.body);
  return found;
}

/** The verified bytes of a manifest. */
export async function readManifest(context: Context, target: Descriptor): Promise<Uint8Array> {
  context.signal?.throwIfAborted();
  const kept = context.manifests.get(target);
  if (kept !== undefined) return kept;
  checkManifestSize(context, target);
  const response = await getManifest(context, target.digest);
  refuseHtml(response);
  checkContent(response.body, target, `the answer to ${describeRequest('GET', response.url)}`);
  context.manifests.add(target.digest, response.body);
  return response.body;
}

/** Whether the repository holds a manifest or a blob of that digest and size, told without reading it. */
export async function probeContent(context: Context, target: Descriptor): Promise<boolean> {
  const path = contentPath(context, target);
  const headers: Record<string, string> = isManifest(target) ? { accept: ACCEPT } : {};
  const response = await exchange(context, 'pull', { method: 'HEAD', target: path, headers, expected: [404] });
  if (response.status === 404) return false;
  // A registry that does not tell the size is believed.
  const size = response.headers['content-length'];
  return size === undefined || Number(size) === target.size;
}

/**
 * Puts a manifest under a tag or its digest. The caller has checked that the bytes are what `target` says.
 *
 * @returns Whether the registry said that it lists the manifest as a referrer of its subject.
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

/** @throws OciError `LIMIT_EXCEEDED` for a manifest that is larger than the limit. */
export function checkManifestSize({ maxManifestSize }: Context, { digest, size }: Descriptor): void {
  if (size <= maxManifestSize) return;
  throw new OciError(
    'LIMIT_EXCEEDED',
    `the manifest ${digest} has ${size} bytes: the limit is ${maxManifestSize}, and registries take no larger ones`,
  );
}

function getManifest(context: Context, reference: string): Promise<WholeResponse> {
  const target = manifestPath(context, reference);
  return exchange(context, 'pull', { method: 'GET', target, headers: { accept: ACCEPT } }, context.maxManifestSize);
}

/**
 * Makes the descriptor of a manifest that a registry answered with, from the bytes; the media type is the one that the
 * answer's `Content-Type` and the manifest's own field agree on.
 *
 * @param algorithmOf - A digest whose algorithm the new one is to have.
 */
function describeAnswer(response: WholeResponse, limits: OciLimits, algorithmOf?: string): Descriptor {
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

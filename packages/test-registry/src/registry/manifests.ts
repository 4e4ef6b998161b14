import {
  describeManifest,
  digestOf,
  type ImageIndex,
  type ImageManifest,
  isDigest,
  isImageIndex,
  isImageManifest,
  isNonDistributable,
  isTag,
  OciError,
  parseDigest,
  parseImageIndex,
  parseManifest,
} from '@soci/oci';
import { type Reply, RequestError } from '../http/reply.ts';
import { type Repository, referralOf, type StoredManifest } from '../store/repository.ts';
import { type Call, existingRepository, locate, type Registry, writableRepository } from './registry.ts';

/** 4 MiB: the size that every registry must accept. @see OCI distribution-spec v1.1, "Pushing Manifests" */
const MAX_MANIFEST_SIZE = 4 << 20;

/** `GET` and `HEAD` of a manifest. @see OCI distribution-spec v1.1, "Pulling manifests" */
export async function getManifest(call: Call): Promise<Reply> {
  const { incoming } = call;
  const repository = existingRepository(call);
  const { digest, mediaType, bytes } = findManifest(call, repository);
  // ECR answers a pull of an archived image with 404. @see Amazon ECR User Guide, "Archiving an image"
  if (repository.isArchived(digest)) throw unknownManifest(call);
  if (!accepts(incoming.headers.accept, mediaType)) {
    throw new RequestError(
      404,
      'MANIFEST_UNKNOWN',
      `${digest} is ${mediaType}, which the Accept header does not allow`,
    );
  }
  return {
    status: 200,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` },
    body: bytes,
  };
}

/** `PUT` of a manifest, by tag or by digest. @see OCI distribution-spec v1.1, "Pushing Manifests" */
export async function putManifest(call: Call): Promise<Reply> {
  const { registry, incoming, name, reference } = call;
  const repository = writableRepository(call);
  checkReference(reference);
  registry.putLimit?.take();
  const bytes = await incoming.wholeBody(MAX_MANIFEST_SIZE, 'a manifest');
  const byDigest = isDigest(reference);
  const digest = digestOf(bytes, byDigest ? parseDigest(reference).algorithm : 'sha256');
  if (byDigest && digest !== reference) {
    throw new RequestError(400, 'DIGEST_INVALID', `the manifest has the digest ${digest}, expected ${reference}`);
  }
  const mediaType = checkManifest(call, repository, bytes, incoming.headers['content-type']);
  const manifest: StoredManifest = { digest, mediaType, bytes, pushedAt: new Date() };
  const tag = byDigest ? undefined : reference;
  if (tag !== undefined && repository.immutableTags) checkTagImmutability(call, repository, tag, digest);

  const isChange =
    repository.manifest(digest) === undefined || (tag !== undefined && repository.tagged(tag) !== digest);
  repository.addManifest(manifest);
  if (tag !== undefined) repository.setTag(tag, digest);
  if (isChange) registry.events.record('PUSH', name, manifest, tag);

  const subject = referralOf(manifest)?.subject;
  return {
    status: 201,
    headers: {
      location: locate(call, `manifests/${digest}`),
      'docker-content-digest': digest,
      ...(registry.settings.referrers && subject !== undefined && { 'oci-subject': subject }),
    },
  };
}

/** `DELETE` of a manifest by digest, or of a tag. @see OCI distribution-spec v1.1, "Content Management" */
export async function deleteManifest(call: Call): Promise<Reply> {
  const { registry, reference } = call;
  const repository = existingRepository(call);
  const manifest = findManifest(call, repository);
  if (isDigest(reference)) removeImage(registry, repository, manifest);
  else removeTag(registry, repository, reference, manifest);
  return { status: 202 };
}

function findManifest(call: Call, repository: Repository): StoredManifest {
  checkReference(call.reference);
  const found = repository.manifest(call.reference);
  if (found === undefined) throw unknownManifest(call);
  return found;
}

function unknownManifest({ reference }: Call): RequestError {
  return new RequestError(404, 'MANIFEST_UNKNOWN', `manifest unknown: ${reference}`);
}

function checkReference(reference: string): void {
  if (isDigest(reference)) return;
  if (reference.includes(':'))
    throw new RequestError(400, 'DIGEST_INVALID', `${JSON.stringify(reference)} is not a digest`);
  if (!isTag(reference)) throw new RequestError(400, 'TAG_INVALID', `${JSON.stringify(reference)} is not a tag`);
}

/**
 * Checks that a manifest is valid, has the media type of the request, and refers only to existing content of the stated
 * size. Returns its media type.
 */
function checkManifest(
  { registry }: Call,
  repository: Repository,
  bytes: Uint8Array,
  contentType: string | undefined,
): string {
  const manifest = parse(bytes, contentType?.split(';')[0]?.trim());
  if (registry.settings.ecr && manifest.artifactType !== undefined) {
    // The response of ECR to every manifest with an unknown structure.
    const message = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'";
    throw new RequestError(405, 'UNSUPPORTED', message);
  }
  const isIndex = 'manifests' in manifest;
  const entries = isIndex ? manifest.manifests : [manifest.config, ...manifest.layers];
  for (const { digest, size, mediaType } of entries) {
    if (!isIndex && isNonDistributable(mediaType)) continue;
    const actual = isIndex ? repository.manifest(digest)?.bytes.length : registry.store.blob(repository, digest)?.size;
    if (actual === undefined) {
      const message = `${isIndex ? 'manifest' : 'blob'} unknown to registry: ${digest}`;
      throw new RequestError(400, 'MANIFEST_BLOB_UNKNOWN', message);
    }
    if (size !== actual) {
      throw new RequestError(400, 'MANIFEST_INVALID', `${digest} has ${actual} bytes, its descriptor says ${size}`);
    }
  }
  return manifest.mediaType;
}

function parse(bytes: Uint8Array, contentType: string | undefined): ImageIndex | ImageManifest {
  try {
    const mediaType = contentType ?? describeManifest(bytes).mediaType;
    if (isImageIndex(mediaType)) return parseImageIndex(bytes, { mediaType });
    if (isImageManifest(mediaType)) return parseManifest(bytes, { mediaType });
    throw new RequestError(400, 'MANIFEST_INVALID', `${JSON.stringify(mediaType)} is not the media type of a manifest`);
  } catch (error) {
    if (error instanceof OciError) throw new RequestError(400, 'MANIFEST_INVALID', error.message);
    throw error;
  }
}

/**
 * Uses the message of ECR, which rejects even setting a tag to the same manifest.
 *
 * @see aws/containers-roadmap, issue 2380
 */
function checkTagImmutability({ registry }: Call, repository: Repository, tag: string, digest: string): void {
  const current = repository.tagged(tag);
  if (current === undefined || (current === digest && !registry.settings.ecr)) return;
  throw new RequestError(
    400,
    'TAG_INVALID',
    `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`,
  );
}

/**
 * Reports whether an `Accept` header accepts a media type. A missing header accepts all.
 *
 * @see RFC 9110, section 12.5.1
 */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  return header.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return false;
    return type === '*/*' || type === mediaType.toLowerCase() || type === `${mediaType.split('/')[0]}/*`;
  });
}

/** Removes a tag. The image remains. */
export function removeTag({ events }: Registry, repository: Repository, tag: string, image: StoredManifest): void {
  repository.removeTag(tag);
  events.record('DELETE', repository.name, image, tag);
}

/** Deletes an image with its tags. ECR also deletes its referrers. @see Amazon ECR User Guide, "Deleting an image" */
export function removeImage(registry: Registry, repository: Repository, image: StoredManifest): void {
  const tags = repository.tagsOf(image.digest);
  const referrers = registry.settings.ecr ? repository.referrers(image.digest) : [];
  repository.removeManifest(image.digest);
  for (const tag of tags.length > 0 ? tags : [undefined]) registry.events.record('DELETE', repository.name, image, tag);
  for (const { digest } of referrers) {
    const referrer = repository.manifest(digest);
    if (referrer !== undefined) removeImage(registry, repository, referrer);
  }
}

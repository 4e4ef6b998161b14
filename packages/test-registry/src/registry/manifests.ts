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
import { Refusal, type Reply } from '../http/reply.ts';
import { type Repository, referralOf, type StoredManifest } from '../store/registry-store.ts';
import { type Call, existingRepository, locate, type Registry, writableRepository } from './registry.ts';

/** 4 MiB: what a registry must accept. @see OCI distribution-spec v1.1, "Pushing Manifests" */
const MAX_MANIFEST_SIZE = 4 << 20;

/** `GET` and `HEAD` of a manifest. @see OCI distribution-spec v1.1, "Pulling manifests" */
export async function getManifest(call: Call): Promise<Reply> {
  const { incoming } = call;
  const { digest, mediaType, bytes } = findManifest(call, existingRepository(call));
  if (!accepts(incoming.headers.accept, mediaType)) {
    throw new Refusal(404, 'MANIFEST_UNKNOWN', `${digest} is ${mediaType}, which Accept does not name`);
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
  const bytes = await incoming.wholeBody(MAX_MANIFEST_SIZE, 'a manifest');
  const byDigest = isDigest(reference);
  const digest = digestOf(bytes, byDigest ? parseDigest(reference).algorithm : 'sha256');
  if (byDigest && digest !== reference) {
    throw new Refusal(400, 'DIGEST_INVALID', `the manifest has the digest ${digest}, not ${reference}`);
  }
  const mediaType = checkManifest(call, repository, bytes, incoming.headers['content-type']);
  const manifest: StoredManifest = { digest, mediaType, bytes, pushedAt: new Date() };
  const tag = byDigest ? undefined : reference;
  if (tag !== undefined && repository.immutableTags) checkTagMoves(call, repository, tag, digest);

  const isNews = repository.manifest(digest) === undefined || (tag !== undefined && repository.tagged(tag) !== digest);
  repository.addManifest(manifest);
  if (tag !== undefined) repository.setTag(tag, digest);
  if (isNews) registry.events.tell('PUSH', name, manifest, tag);

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

function findManifest({ reference }: Call, repository: Repository): StoredManifest {
  checkReference(reference);
  const found = repository.manifest(reference);
  if (found === undefined) throw new Refusal(404, 'MANIFEST_UNKNOWN', `manifest unknown: ${reference}`);
  return found;
}

function checkReference(reference: string): void {
  if (isDigest(reference)) return;
  if (reference.includes(':')) throw new Refusal(400, 'DIGEST_INVALID', `${JSON.stringify(reference)} is no digest`);
  if (!isTag(reference)) throw new Refusal(400, 'TAG_INVALID', `${JSON.stringify(reference)} is no tag`);
}

/**
 * Checks that a manifest is one, is of the type that the request says, and names nothing that is missing or of another
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
    // ECR's answer to every manifest that it does not know the shape of.
    const words = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'";
    throw new Refusal(405, 'UNSUPPORTED', words);
  }
  const isIndex = 'manifests' in manifest;
  const entries = isIndex ? manifest.manifests : [manifest.config, ...manifest.layers];
  for (const { digest, size, mediaType } of entries) {
    if (!isIndex && isNonDistributable(mediaType)) continue;
    const actual = isIndex ? repository.manifest(digest)?.bytes.length : registry.store.blob(repository, digest)?.size;
    if (actual === undefined) {
      const words = `${isIndex ? 'manifest' : 'blob'} unknown to registry: ${digest}`;
      throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', words);
    }
    if (size !== actual) {
      throw new Refusal(400, 'MANIFEST_INVALID', `${digest} has ${actual} bytes, its descriptor says ${size}`);
    }
  }
  return manifest.mediaType;
}

function parse(bytes: Uint8Array, contentType: string | undefined): ImageIndex | ImageManifest {
  try {
    const mediaType = contentType ?? describeManifest(bytes).mediaType;
    if (isImageIndex(mediaType)) return parseImageIndex(bytes, { mediaType });
    if (isImageManifest(mediaType)) return parseManifest(bytes, { mediaType });
    throw new Refusal(400, 'MANIFEST_INVALID', `${JSON.stringify(mediaType)} is no media type of a manifest`);
  } catch (error) {
    if (error instanceof OciError) throw new Refusal(400, 'MANIFEST_INVALID', error.message);
    throw error;
  }
}

/** In ECR's words. It refuses even what would change nothing. @see aws/containers-roadmap, issue 2380 */
function checkTagMoves({ registry }: Call, repository: Repository, tag: string, digest: string): void {
  const current = repository.tagged(tag);
  if (current === undefined || (current === digest && !registry.settings.ecr)) return;
  throw new Refusal(
    400,
    'TAG_INVALID',
    `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`,
  );
}

/** Whether an `Accept` takes a media type. One that is missing takes all. @see RFC 9110, section 12.5.1 */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  return header.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return false;
    return type === '*/*' || type === mediaType.toLowerCase() || type === `${mediaType.split('/')[0]}/*`;
  });
}

/** Takes a tag away; the image that it named stays. */
export function removeTag({ events }: Registry, repository: Repository, tag: string, image: StoredManifest): void {
  repository.removeTag(tag);
  events.tell('DELETE', repository.name, image, tag);
}

/** Takes an image away with its tags; in ECR what refers to it goes too. @see Amazon ECR User Guide, "Deleting an image" */
export function removeImage(registry: Registry, repository: Repository, image: StoredManifest): void {
  const tags = repository.tagsOf(image.digest);
  const referrers = registry.settings.ecr ? repository.referrers(image.digest) : [];
  repository.removeManifest(image.digest);
  for (const tag of tags.length > 0 ? tags : [undefined]) registry.events.tell('DELETE', repository.name, image, tag);
  for (const { digest } of referrers) {
    const referrer = repository.manifest(digest);
    if (referrer !== undefined) removeImage(registry, repository, referrer);
  }
}

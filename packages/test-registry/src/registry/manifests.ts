import { digestOf, isDigest, isTag, parseDigest } from '@soci/oci';
import { Refusal } from '../http/refusal.ts';
import type { Reply } from '../http/reply.ts';
import { MemoryBlob } from '../store/memory-blobs.ts';
import type { Repository } from '../store/repository.ts';
import { referralOf, type StoredManifest } from '../store/stored-manifest.ts';
import { accepts } from './accept.ts';
import { checkManifest } from './check-manifest.ts';
import { locate } from './location.ts';
import { type Call, existingRepository, writableRepository } from './registry.ts';
import { removeImage, removeTag } from './remove-image.ts';

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
    body: { blob: new MemoryBlob(bytes), offset: 0, length: bytes.length },
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

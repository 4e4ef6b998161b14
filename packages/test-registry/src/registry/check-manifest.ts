import {
  type Descriptor,
  describeManifest,
  type ImageIndex,
  type ImageManifest,
  isImageIndex,
  isImageManifest,
  isNonDistributable,
  OciError,
  parseImageIndex,
  parseManifest,
} from '@soci/oci';
import { Refusal } from '../http/reply.ts';
import type { Repository } from '../store/repository.ts';
import type { Call } from './registry.ts';

/**
 * Checks a manifest before it is taken: that it is one, is of the type that the request says, and names nothing that is
 * missing or of another size.
 *
 * @returns Its media type.
 * @throws Refusal
 */
export function checkManifest(
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
  if ('manifests' in manifest) {
    for (const child of manifest.manifests) checkChild(repository, child);
  } else {
    for (const blob of [manifest.config, ...manifest.layers]) {
      if (!isNonDistributable(blob.mediaType)) checkBlob(registry, repository, blob);
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

function checkBlob(registry: Call['registry'], repository: Repository, { digest, size }: Descriptor): void {
  const blob = registry.store.blob(repository, digest);
  if (blob === undefined) throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', `blob unknown to registry: ${digest}`);
  checkSize(digest, size, blob.size);
}

function checkChild(repository: Repository, { digest, size }: Descriptor): void {
  const child = repository.manifest(digest);
  if (child === undefined) throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', `manifest unknown to registry: ${digest}`);
  checkSize(digest, size, child.bytes.length);
}

function checkSize(digest: string, said: number, actual: number): void {
  if (said !== actual) {
    throw new Refusal(400, 'MANIFEST_INVALID', `${digest} has ${actual} bytes, its descriptor says ${said}`);
  }
}

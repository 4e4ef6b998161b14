import type { CallOptions, Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { DEFAULT_LIMITS, type OciLimits } from './limits.ts';
import { parseImageIndex, parseManifest } from './manifest.ts';
import { isImageIndex, isImageManifest, isManifestOrIndex } from './media-types.ts';
import { readVerified } from './read.ts';

/** Options of {@link walkContent}. */
export interface WalkOptions extends CallOptions {
  /** Limits on the content and its manifests. @default see {@link OciLimits} */
  readonly limits?: OciLimits;
}

/** A blob or manifest that {@link walkContent} visits. */
export interface ContentNode {
  /** Descriptor from the manifest that refers to it. */
  readonly descriptor: Descriptor;
  /** The verified bytes of a manifest or image index. Blobs are not read and have none. */
  readonly raw?: Uint8Array;
}

/**
 * Returns the content that a manifest or image index refers to, in order: configuration and layers, or manifests.
 * Returns an empty list for a blob. The `subject` is not included.
 *
 * @param raw - The verified bytes of `descriptor`.
 */
export function listSuccessors(
  descriptor: Pick<Descriptor, 'mediaType'>,
  raw: Uint8Array,
  limits: OciLimits = {},
): readonly Descriptor[] {
  if (isImageIndex(descriptor.mediaType)) return parseImageIndex(raw, descriptor, limits).manifests;
  if (!isImageManifest(descriptor.mediaType)) return [];
  const { config, layers } = parseManifest(raw, descriptor, limits);
  return [config, ...layers];
}

/**
 * Walks all content that `root` refers to. Leaves come first, `root` comes last, and each blob or manifest is visited
 * once. Manifests are read and verified. Blobs are not read.
 *
 * @throws OciError `LIMIT_EXCEEDED` if there are too many levels or blobs; errors of reading a manifest.
 */
export async function* walkContent(
  source: Fetcher,
  root: Descriptor,
  options: WalkOptions = {},
): AsyncGenerator<ContentNode, void, undefined> {
  const { limits = {}, signal } = options;
  const seen = new Set<string>();
  const readOptions = { maxSize: limits.maxManifestSize ?? DEFAULT_LIMITS.maxManifestSize, ...(signal && { signal }) };

  async function* visit(descriptor: Descriptor, depth: number): AsyncGenerator<ContentNode, void, undefined> {
    signal?.throwIfAborted();
    const key = nodeKey(descriptor);
    if (seen.has(key)) return;
    seen.add(key);
    checkBounds(root, descriptor, { count: seen.size, depth }, limits);
    if (!isManifestOrIndex(descriptor.mediaType)) {
      yield { descriptor };
      return;
    }
    const raw = await readVerified(source, descriptor, readOptions);
    for (const successor of listSuccessors(descriptor, raw, limits)) yield* visit(successor, depth + 1);
    yield { descriptor, raw };
  }

  yield* visit(root, 1);
}

/** Returns a key for content. The same bytes may be a blob in one place and a manifest with successors in another. */
export function nodeKey({ digest, mediaType }: Descriptor): string {
  return `${isManifestOrIndex(mediaType) ? 'manifest' : 'blob'} ${digest}`;
}

/** Checks the limits at the `count`th blob or manifest, at level `depth`. @throws OciError `LIMIT_EXCEEDED` */
export function checkBounds(
  root: Descriptor,
  { mediaType }: Descriptor,
  at: { readonly count: number; readonly depth: number },
  limits: OciLimits,
): void {
  const maxNodes = limits.maxNodes ?? DEFAULT_LIMITS.maxNodes;
  const maxDepth = limits.maxDepth ?? DEFAULT_LIMITS.maxDepth;
  if (at.count > maxNodes) {
    throw new OciError('LIMIT_EXCEEDED', `${root.digest} refers to more than ${maxNodes} blobs and manifests`);
  }
  if (at.depth > maxDepth && isManifestOrIndex(mediaType)) {
    throw new OciError('LIMIT_EXCEEDED', `${root.digest} has more than ${maxDepth} levels of manifests`);
  }
}

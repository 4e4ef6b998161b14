import type { CallOptions, Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { parseImageIndex } from './image-index.ts';
import { MAX_DEPTH, MAX_MANIFEST_SIZE, MAX_NODES, type OciLimits } from './limits.ts';
import { parseManifest } from './manifest.ts';
import { isImageIndex, isImageManifest } from './media-types.ts';
import { readVerified } from './read.ts';

/** Options of {@link walkContent}. */
export interface WalkOptions extends CallOptions {
  /** Bounds on the graph and its manifests. @default see {@link OciLimits} */
  readonly limits?: OciLimits;
}

/** A piece of content met on a walk. */
export interface ContentNode {
  /** What the manifest that led here says of it. */
  readonly descriptor: Descriptor;
  /** The verified bytes of a manifest or image index; absent of a blob, which is not read. */
  readonly raw?: Uint8Array;
}

/**
 * What a manifest or image index refers to, in its order: configuration, then layers; or manifests. Empty of a blob.
 * A `subject` is not among them: it points up, to what the manifest is about.
 *
 * @param raw - The verified bytes that `descriptor` names.
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
 * Walks everything that `root` refers to, leaves first, each piece once, `root` last. Manifests are read and verified;
 * blobs are only named.
 *
 * @throws OciError `LIMIT_EXCEEDED` where the graph is too deep or too large; what reading a manifest throws.
 */
export async function* walkContent(
  source: Fetcher,
  root: Descriptor,
  options: WalkOptions = {},
): AsyncGenerator<ContentNode, void, undefined> {
  const { limits = {}, signal } = options;
  const { maxDepth = MAX_DEPTH, maxNodes = MAX_NODES, maxManifestSize = MAX_MANIFEST_SIZE } = limits;
  const seen = new Set<string>();
  const readOptions = { maxSize: maxManifestSize, ...(signal && { signal }) };

  async function* visit(descriptor: Descriptor, depth: number): AsyncGenerator<ContentNode, void, undefined> {
    signal?.throwIfAborted();
    const leads = isImageIndex(descriptor.mediaType) || isImageManifest(descriptor.mediaType);
    // The same bytes may stand in one place as a blob, in another as a manifest whose successors count.
    const key = `${leads ? 'manifest' : 'blob'} ${descriptor.digest}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (seen.size > maxNodes) {
      throw new OciError('LIMIT_EXCEEDED', `${root.digest} refers to more than ${maxNodes} pieces of content`);
    }
    if (!leads) {
      yield { descriptor };
      return;
    }
    if (depth > maxDepth) {
      throw new OciError('LIMIT_EXCEEDED', `${root.digest} nests manifests deeper than ${maxDepth} levels`);
    }
    const raw = await readVerified(source, descriptor, readOptions);
    for (const successor of listSuccessors(descriptor, raw, limits)) yield* visit(successor, depth + 1);
    yield { descriptor, raw };
  }

  yield* visit(root, 1);
}

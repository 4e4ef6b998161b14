import type { CallOptions, Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { DEFAULT_LIMITS, type OciLimits } from './limits.ts';
import { parseImageIndex, parseManifest } from './manifest.ts';
import { isImageIndex, isImageManifest, isManifestOrIndex } from './media-types.ts';
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
  const seen = new Set<string>();
  const readOptions = { maxSize: limits.maxManifestSize ?? DEFAULT_LIMITS.maxManifestSize, ...(signal && { signal }) };

  async function* visit(descriptor: Descriptor, depth: number): AsyncGenerator<ContentNode, void, undefined> {
    signal?.throwIfAborted();
    const key = nodeKey(descriptor);
    if (seen.has(key)) return;
    seen.add(key);
    checkBounds(root, descriptor, { met: seen.size, depth }, limits);
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

/** Names a piece: the same bytes may stand in one place as a blob, in another as a manifest whose successors count. */
export function nodeKey({ digest, mediaType }: Descriptor): string {
  return `${isManifestOrIndex(mediaType) ? 'manifest' : 'blob'} ${digest}`;
}

/** Checks bounds at the piece that was `met` as number so many, `depth` levels deep. @throws OciError `LIMIT_EXCEEDED` */
export function checkBounds(
  root: Descriptor,
  { mediaType }: Descriptor,
  at: { readonly met: number; readonly depth: number },
  limits: OciLimits,
): void {
  const maxNodes = limits.maxNodes ?? DEFAULT_LIMITS.maxNodes;
  const maxDepth = limits.maxDepth ?? DEFAULT_LIMITS.maxDepth;
  if (at.met > maxNodes) {
    throw new OciError('LIMIT_EXCEEDED', `${root.digest} refers to more than ${maxNodes} pieces of content`);
  }
  if (at.depth > maxDepth && isManifestOrIndex(mediaType)) {
    throw new OciError('LIMIT_EXCEEDED', `${root.digest} nests manifests deeper than ${maxDepth} levels`);
  }
}

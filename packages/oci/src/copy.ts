import type { CallOptions, Fetcher, Prober, Pusher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { isNonDistributable } from './media-types.ts';
import { type ContentNode, type WalkOptions, walkContent } from './walk.ts';

/** Options of {@link copyImage}. */
export interface CopyOptions extends WalkOptions {
  /** Told of every piece once it is dealt with. @default nobody is told */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/**
 * What became of one piece of content: `copied`; `present`, the target had it; or `elsewhere`, a non-distributable
 * layer that the source does not hold either.
 */
export interface CopyProgress {
  /** The piece. */
  readonly descriptor: Descriptor;
  /** What became of it. */
  readonly outcome: 'copied' | 'present' | 'elsewhere';
}

/** What {@link copyImage} did. */
export interface CopyResult {
  /** Pieces of content copied. */
  readonly copied: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Pieces that the target had already. */
  readonly present: number;
}

/**
 * Copies an image, an image index or an artifact with everything it refers to: leaves before roots, so that the target
 * never holds a manifest with something missing; one piece at a time; what the target has is skipped. Every byte is
 * verified by the target's `push`. Names are not copied: tag the root afterwards.
 *
 * @throws OciError `LIMIT_EXCEEDED`; what reading the source and writing the target throw.
 */
export async function copyImage(
  source: Fetcher,
  target: Pusher & Prober,
  root: Descriptor,
  options: CopyOptions = {},
): Promise<CopyResult> {
  let copied = 0;
  let bytes = 0;
  let present = 0;
  for await (const node of walkContent(source, root, options)) {
    const outcome = await copyNode(source, target, node, options.signal && { signal: options.signal });
    if (outcome === 'copied') {
      copied += 1;
      bytes += node.descriptor.size;
    }
    if (outcome === 'present') present += 1;
    options.onProgress?.({ descriptor: node.descriptor, outcome });
  }
  return { copied, bytes, present };
}

async function copyNode(
  source: Fetcher,
  target: Pusher & Prober,
  { descriptor, raw }: ContentNode,
  call: CallOptions = {},
): Promise<CopyProgress['outcome']> {
  if (await target.exists(descriptor, call)) return 'present';
  try {
    await target.push(descriptor, raw ?? source.fetch(descriptor, call), call);
    return 'copied';
  } catch (error) {
    const missing = error instanceof OciError && error.code === 'NOT_FOUND';
    if (missing && isNonDistributable(descriptor.mediaType)) return 'elsewhere';
    throw error;
  }
}

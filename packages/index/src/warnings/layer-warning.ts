import type { RuntimeEffect, RuntimeFindings, RuntimeProblem, RuntimeProblemCode, Ztoc } from '@soci/ztoc';
import { warnAboutLargeZtoc } from './large-ztoc.ts';

/**
 * Code of a {@link LayerWarning}: one of `RuntimeProblemCode` of `@soci/ztoc`, or
 *
 * - `writes-through-symlink` (`shown-differently`): a lower layer has a symbolic link at the path of a directory that the
 *   layer has only in the paths of its entries, such as `lib/a` on top of `lib -> usr/lib`. Tools that unpack the image
 *   follow the link. The runtime shows a directory instead of the link.
 * - `ztoc-large` (`slow-start`): the zTOC is larger than half of its layer. The runtime reads it before the container starts.
 * - `ztoc-unreadable` (`pulled-whole`): the zTOC is missing or invalid. Only `findLayerWarnings` reports it.
 */
export type LayerWarningCode = RuntimeProblemCode | 'writes-through-symlink' | 'ztoc-large' | 'ztoc-unreadable';

/** An indexed layer that the runtime handles in another way than expected. The zTOC itself is right. */
export interface LayerWarning {
  readonly code: LayerWarningCode;
  /** What the runtime does. `slow-start`: it reads more data than necessary before the container starts. */
  readonly effect: RuntimeEffect | 'slow-start';
  /** Describes the effect and its cause. */
  readonly message: string;
  /** Number of affected entries of the layer. 0 if the problem is not that of entries. */
  readonly count: number;
  /** Paths of the first affected entries, at most 5. */
  readonly paths: readonly string[];
  /** With `ztoc-large`: a span size that makes the zTOC smaller than half of the layer. Absent if no span size helps. */
  readonly spanSize?: number;
}

const EFFECTS: Readonly<Record<RuntimeEffect, string>> = {
  'pulled-whole': 'the runtime will pull this layer whole',
  'unreadable-files': 'the runtime will answer reads of some files with an I/O error',
  'shown-differently': 'the container will see files differently than in an unpacked image',
};

/** Returns the warning for a problem of a zTOC or an image. */
export function warnAboutProblem(
  problem: Omit<RuntimeProblem, 'code'> & { readonly code: LayerWarningCode },
): LayerWarning {
  const { code, effect, message, count, paths } = problem;
  return { code, effect, message: `${EFFECTS[effect]}: ${message}`, count, paths };
}

/**
 * Returns the warnings about a zTOC, worst first. If the runtime certainly pulls the layer whole, only the reasons for that: it
 * unpacks such a layer, and so reads and shows all files.
 *
 * @param findings - Result of `checkRuntime` for the zTOC.
 * @param ztocSize - Size of the encoded zTOC in bytes.
 */
export function toLayerWarnings(
  { problems }: RuntimeFindings,
  ztoc: Omit<Ztoc, 'files'>,
  ztocSize: number,
): readonly LayerWarning[] {
  // The runtime rejects such a name at random.
  const isPulled = problems.some(({ code, effect }) => effect === 'pulled-whole' && code !== 'xattr-name-invalid');
  const relevant = isPulled ? problems.filter(({ effect }) => effect === 'pulled-whole') : problems;
  return resizeWarnings(relevant.map(warnAboutProblem), ztoc, ztocSize);
}

/** Replaces the warning that depends on the size of a zTOC and its spans. */
export function resizeWarnings(
  warnings: readonly LayerWarning[],
  ztoc: Omit<Ztoc, 'files'>,
  ztocSize: number,
): readonly LayerWarning[] {
  const { compression, maxSpanId, compressedArchiveSize, uncompressedArchiveSize: uncompressedSize } = ztoc;
  const sizes = { layerSize: compressedArchiveSize, uncompressedSize, ztocSize, spans: maxSpanId + 1, compression };
  const large = warnAboutLargeZtoc(sizes);
  return [...warnings.filter(({ code }) => code !== 'ztoc-large'), ...(large ? [large] : [])];
}

const BY_EFFECT: readonly LayerWarning['effect'][] = [
  'pulled-whole',
  'unreadable-files',
  'shown-differently',
  'slow-start',
];

/** Compares two warnings for sorting: the worst effect first. */
export function compareWarnings(a: Pick<LayerWarning, 'effect'>, b: Pick<LayerWarning, 'effect'>): number {
  return BY_EFFECT.indexOf(a.effect) - BY_EFFECT.indexOf(b.effect);
}

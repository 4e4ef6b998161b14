import type { RuntimeEffect, RuntimeProblem, RuntimeProblemCode } from '@soci/ztoc';

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

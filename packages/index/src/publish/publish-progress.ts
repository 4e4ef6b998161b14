import type { Descriptor } from '@soci/oci';
import type { IndexProgress } from '../progress.ts';
import type { SkippedCandidate } from '../reuse/find-reusable-ztocs.ts';
import type { Problem } from '../verify/problem.ts';

/** What `indexImage` is doing: the events of the build, and those of what comes before and after it. */
export type PublishProgress =
  | IndexProgress
  /** The reference is resolved. */
  | { readonly type: 'resolved'; readonly image: Descriptor }
  /** Something in the registry could not be read: zTOCs of fewer images are reused, or an existing index is not recognized. */
  | ({ readonly type: 'candidate-skipped' } & SkippedCandidate)
  /** The index is made and is being proved. So many bytes of layers are read for it; 0 for a sample of spans. */
  | { readonly type: 'proving'; readonly bytes: number }
  /** So many bytes of a layer were read back. */
  | { readonly type: 'proof-progress'; readonly layer: string; readonly bytes: number; readonly size: number }
  /** An index with reused zTOCs is wrong: it is built again from the layers alone. */
  | { readonly type: 'rebuilding'; readonly problem: Problem }
  /** The result is being written. */
  | { readonly type: 'pushing' }
  /** So many bytes of a piece of content were written. */
  | { readonly type: 'push-progress'; readonly digest: string; readonly size: number; readonly bytes: number };

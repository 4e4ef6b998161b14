import type { CallOptions, Descriptor } from '@soci/oci';
import type { BuiltIndexes } from '../convert/build-index.ts';
import type { SociIndexOptions, ZtocSource } from '../options.ts';
import type { Proof, PublishProgress, SourceStore, TargetStore } from './options.ts';

/** One run of `indexImage`: the caller's options with their defaults, and what is known of the two stores. */
export interface PublishJob {
  readonly source: SourceStore;
  readonly target: TargetStore;
  readonly image: Descriptor;
  readonly version: 1 | 2;
  readonly isForced: boolean;
  readonly reindex: boolean;
  readonly reuse: boolean | ZtocSource;
  readonly proof: Proof | undefined;
  readonly concurrency: number;
  readonly build: Omit<SociIndexOptions, 'onProgress' | 'reuse'>;
  readonly call: CallOptions;
  readonly report: (progress: PublishProgress) => void;
  /** Tag that must still name the image when the result is tagged. */
  readonly sourceTag: string | undefined;
  /** Tag of the result. */
  readonly tag: string | undefined;
  /** Whether source and target are the same store, or the same repository. */
  readonly isSamePlace: boolean;
  /** Whether nothing of the image need be copied. */
  readonly holdsImage: boolean;
  /** Repository of the same registry to mount blobs from. */
  readonly mountFrom: string | undefined;
}

/** An index that was built: of version 2 with its root. */
export type MadeIndex = BuiltIndexes & { readonly root?: Descriptor };

type Ability = keyof TargetStore;

/** Whether a store can do what not every store can. */
export function can<Name extends Ability>(
  store: TargetStore,
  ...abilities: readonly Name[]
): store is TargetStore & Required<Pick<TargetStore, Name>> {
  return abilities.every((ability) => store[ability] !== undefined);
}

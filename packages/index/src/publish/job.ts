import { type CallOptions, type Descriptor, isDigest } from '@soci/oci';
import type { BuiltIndexes } from '../convert/build-index.ts';
import { SociIndexError } from '../errors.ts';
import { checkWholeNumber } from '../options.ts';
import type { IndexImageOptions, IndexSource, IndexTarget, PublishProgress, TargetStore } from './options.ts';

/** Pieces of content written at a time unless the caller says otherwise. */
const DEFAULT_CONCURRENCY = 6;

/** One run of `indexImage`: the caller's options with their defaults, and what is known of the two stores. */
export type PublishJob = Readonly<Awaited<ReturnType<typeof openJob>>>;

/** Checks the options and resolves the image. @throws SociIndexError `OPTION_INVALID`; what resolving throws. */
export async function openJob(source: IndexSource, target: IndexTarget, options: IndexImageOptions) {
  const { version = 2, force = false, reindex = force, reuse = true, proof, onProgress, ...others } = options;
  const { concurrency = DEFAULT_CONCURRENCY, ...build } = others;
  if (version !== 1 && version !== 2) {
    throw new SociIndexError('OPTION_INVALID', `version is 1 or 2, found ${JSON.stringify(version)}`);
  }
  checkWholeNumber('concurrency', concurrency, 1);
  const { store, reference } = source;
  const call: CallOptions = build.signal === undefined ? {} : { signal: build.signal };
  const image = typeof reference === 'string' ? await store.resolve(reference, call) : reference;
  const report = onProgress ?? ((_: PublishProgress) => {});
  report({ type: 'resolved', image });
  const named = typeof reference === 'string' && reference !== '' && !isDigest(reference) ? reference : undefined;
  const [from, to] = [source.store, target.store];
  const isSameHost = from.host !== undefined && from.host === to.host;
  const isSamePlace = (from as object) === to || (isSameHost && from.path === to.path);
  return {
    source: store,
    target: to,
    image,
    version,
    isForced: force,
    reindex,
    reuse,
    proof,
    concurrency,
    build,
    call,
    report,
    /** Tag that must still name the image when the result is tagged. */
    sourceTag: source.tag ?? named,
    /** Tag of the result. */
    tag: target.tag === '' ? undefined : target.tag,
    /** Whether source and target are the same store, or the same repository. */
    isSamePlace,
    /** Whether nothing of the image need be copied. */
    holdsImage: isSamePlace || target.holdsImage === true,
    /** Repository of the same registry to mount blobs from. */
    mountFrom: isSameHost && !isSamePlace ? from.path : undefined,
  };
}

/** An index that was built: of version 2 with its root. */
export type MadeIndex = BuiltIndexes & { readonly root?: Descriptor };

/** Whether a store can do what not every store can. */
export function can<Name extends keyof TargetStore>(
  store: TargetStore,
  ...abilities: readonly Name[]
): store is TargetStore & Required<Pick<TargetStore, Name>> {
  return abilities.every((ability) => store[ability] !== undefined);
}

import { type CallOptions, type Descriptor, isDigest } from '@soci/oci';
import type { BuiltIndexes } from '../convert/build-index.ts';
import type { ConvertedImage } from '../convert/convert-image.ts';
import { SociIndexError } from '../errors.ts';
import { checkInteger, resolveOptions, type SociIndexOptions } from '../options.ts';
import type { IndexImageOptions, IndexSource, IndexTarget, PublishProgress, TargetStore } from './options.ts';
import type { UsedProfile } from './result.ts';

/** Default number of blobs and manifests written at the same time. */
const DEFAULT_CONCURRENCY = 6;

/** One run of `indexImage`: the options with defaults, the resolved image, and the relation of the two stores. */
export type PublishJob = Readonly<Awaited<ReturnType<typeof openJob>>>;

/** Validates the options and resolves the image. @throws SociIndexError `OPTION_INVALID`; errors of the source store. */
export async function openJob(source: IndexSource, target: IndexTarget, options: IndexImageOptions) {
  const { version = 2, force = false, reuse = true, proof, onProgress, ...others } = options;
  const { reindex = force, overwriteSource = false, concurrency = DEFAULT_CONCURRENCY, ...rest } = others;
  // Before anything is read.
  const { build, isStoredOnly } = splitProfile(rest);
  if (version !== 1 && version !== 2) {
    throw new SociIndexError('OPTION_INVALID', `version must be 1 or 2, got ${JSON.stringify(version)}`);
  }
  checkInteger('concurrency', concurrency, 1);
  const { store, reference } = source;
  const call: CallOptions = build.signal === undefined ? {} : { signal: build.signal };
  const image = typeof reference === 'string' ? await store.resolve(reference, call) : reference;
  const report = onProgress ?? ((_: PublishProgress) => {});
  report({ type: 'resolved', image });
  const named = typeof reference === 'string' && reference !== '' && !isDigest(reference) ? reference : undefined;
  const [from, to] = [source.store, target.store];
  const tags = [...new Set([target.tag ?? '', ...(target.otherTags ?? [])])].filter((tag) => tag !== '');
  const isSameHost = from.host !== undefined && from.host === to.host;
  const isSameStore = (from as object) === to || (isSameHost && from.path === to.path);
  return {
    source: store,
    target: to,
    image,
    version,
    isForced: force,
    reindex,
    overwriteSource,
    reuse,
    proof,
    concurrency,
    build,
    /** Whether only a stored profile is used, so that none is predicted. */
    isStoredOnly,
    /** Profile that the spans follow, if they do. */
    profile: undefined as UsedProfile | undefined,
    call,
    report,
    /** Tag that must still name the image when the result is tagged. */
    sourceTag: source.tag ?? named,
    /** First tag of the result. */
    tag: tags[0],
    /** All tags of the result, each once. */
    tags,
    /** Whether source and target are the same store or repository. */
    isSameStore,
    /** Whether the target already contains the image, so that only new content is written. */
    holdsImage: isSameStore || target.holdsImage === true,
    /** Repository to mount blobs from, if source and target are on the same registry. */
    mountFrom: isSameHost && !isSameStore ? from.path : undefined,
  };
}

/**
 * Separates the stored profile from the options of the build.
 *
 * @throws SociIndexError `OPTION_INVALID`
 */
export function splitProfile({ profile, ...rest }: IndexImageOptions): {
  readonly build: BuildOptions;
  readonly isStoredOnly: boolean;
} {
  const build: BuildOptions = profile === undefined || profile === 'stored' ? rest : { ...rest, profile };
  const isStoredOnly = profile === 'stored';
  resolveOptions(isStoredOnly ? { ...build, spanSize: build.spanSize ?? 'auto', profile: { files: [] } } : build, 1);
  return { build, isStoredOnly };
}

/** Options of the build. */
type BuildOptions = Omit<SociIndexOptions, 'layerTarget' | 'onProgress' | 'reuse' | 'storeZtoc'>;

/** A built index. Version 2 has a root. */
export type BuildOutput = BuiltIndexes & Partial<Pick<ConvertedImage, 'root' | 'recompressed'>>;

/** Number of hexadecimal digits of the image digest that seed a spot check, so that it is reproducible. */
const SEED_LENGTH = 8;

/** Returns the seed of spot checks. */
export function sampleSeed({ digest }: Descriptor): number {
  return Number.parseInt(digest.slice(digest.indexOf(':') + 1).slice(0, SEED_LENGTH), 16);
}

/** Returns whether a store has optional methods. */
export function hasMethods<Name extends keyof TargetStore>(
  store: TargetStore,
  ...methods: readonly Name[]
): store is TargetStore & Required<Pick<TargetStore, Name>> {
  return methods.every((method) => store[method] !== undefined);
}

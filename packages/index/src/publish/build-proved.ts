import type { Descriptor, Fetcher } from '@soci/oci';
import { buildSociIndex, type NothingToIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import type { ZtocSource } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import { ReusableZtocs, type SkippedCandidate } from '../reuse/reusable-ztocs.ts';
import { findSimilarTags } from '../reuse/similar-tags.ts';
import type { Problem } from '../verify/problem.ts';
import { spotCheckZtocs } from '../verify/spot-check.ts';
import { type VerifyProgress, verifySociIndex } from '../verify/verify-index.ts';
import { can, type MadeIndex, type PublishJob } from './job.ts';
import type { ImageAlreadyIndexed, ImageRefused, ProofReport } from './result.ts';
import { overlayArtifacts, type ResultWriter } from './result-writer.ts';

/** An index that was built, and verified if `proof` is set. */
export interface ProvedIndex {
  readonly outcome: 'proved';
  readonly made: MadeIndex;
  /** Bytes of layers that were read to build it. */
  readonly bytesRead: number;
  /** Absent if `proof` is not set. */
  readonly proof?: ProofReport;
}

/** Number of hexadecimal digits of the image digest that seed a spot check, so that it is reproducible. */
const SEED_LENGTH = 8;

/**
 * Builds an index and verifies it before anything is written. If it is invalid and contains reused zTOCs, builds it again
 * from the layers.
 *
 * @param current - Content that the output tag names now.
 */
export async function buildProved(
  job: PublishJob,
  writer: ResultWriter,
  current: Descriptor | undefined,
): Promise<ProvedIndex | NothingToIndex | ImageRefused> {
  const { source, report } = job;
  const made = await buildChecked(job, writer, reusableZtocs(job, current));
  if (made.outcome === 'nothing-to-index') return made;
  const layers = made.layers.filter((layer) => layer.outcome === 'indexed');
  const { problems, proof } = await prove(job, made, overlayArtifacts(made.artifacts, source), layers);
  const [first] = problems;
  if (first === undefined) {
    const read = new Map(layers.filter(isBuilt).map(({ digest, size }) => [digest, size]));
    const bytesRead = [...read.values()].reduce((sum, size) => sum + size, 0);
    return { outcome: 'proved', made, bytesRead, ...(proof && { proof }) };
  }
  if (layers.every(isBuilt)) return notProved(job, problems);
  report({ type: 'rebuilding', problem: first });
  return buildProved({ ...job, reuse: false }, writer, current);
}

/** Verifies an existing index, if `proof` asks for it. */
export async function proveCurrent(
  job: PublishJob,
  found: ImageAlreadyIndexed,
): Promise<ImageAlreadyIndexed | ImageRefused> {
  const { target, proof: asked } = job;
  if (asked !== 'read-back' || !can(target, 'fetch')) return found;
  const { problems, proof } = await readBack(job, found, target, []);
  return problems.length > 0 ? notProved(job, problems) : { ...found, proof };
}

/** Builds an index. Checks during the first layer that the target is writable, to fail early if it is not. */
async function buildChecked(
  job: PublishJob,
  writer: ResultWriter,
  reuse: ZtocSource | undefined,
): Promise<MadeIndex | NothingToIndex> {
  const { source, image, version, build, report } = job;
  const over = new AbortController();
  const signal = build.signal === undefined ? over.signal : AbortSignal.any([build.signal, over.signal]);
  let check: Promise<void> | undefined;
  const onProgress = (event: IndexProgress) => {
    if (event.type === 'layer-started') check ??= writer.checkWritable({ signal }).catch((error) => over.abort(error));
    report(event);
  };
  const options = { ...build, signal, onProgress, ...(reuse && { reuse }) };
  try {
    const made = await (version === 2 ? convertImage : buildSociIndex)(source, image, options);
    await check;
    signal.throwIfAborted();
    return made;
  } finally {
    over.abort();
  }
}

interface Proved {
  readonly problems: readonly Problem[];
  readonly proof?: ProofReport;
}

async function prove(
  job: PublishJob,
  made: MadeIndex,
  content: Fetcher,
  layers: readonly { readonly size: number }[],
): Promise<Proved> {
  const { source, image, proof: asked, call, report } = job;
  if (asked === undefined) return { problems: [] };
  if (asked === 'read-back') return readBack(job, made, content, layers);
  report({ type: 'proving', bytes: 0 });
  const seed = Number.parseInt(image.digest.slice(image.digest.indexOf(':') + 1).slice(0, SEED_LENGTH), 16);
  const { spansRead, problems } = await spotCheckZtocs(source, made, { spans: asked.spans, seed, ...call });
  return { problems, proof: { spansRead, filesRead: 0 } };
}

async function readBack(
  { build, call, report }: PublishJob,
  { root, indexes }: Pick<MadeIndex, 'root' | 'indexes'>,
  content: Fetcher,
  layers: readonly { readonly size: number }[],
): Promise<Required<Proved>> {
  report({ type: 'proving', bytes: layers.reduce((sum, { size }) => sum + size, 0) });
  const { limits, layerLimits } = build;
  const onProgress = (progress: VerifyProgress) => report({ type: 'proof-progress', ...progress });
  const options = { ...call, ...(limits && { limits }), ...(layerLimits && { layerLimits }), onProgress };
  const problems: Problem[] = [];
  let [spansRead, filesRead] = [0, 0];
  for (const target of root === undefined ? indexes : [root]) {
    const verified = await verifySociIndex(content, target, options);
    for (const part of [verified, ...verified.indexes, ...verified.layers]) problems.push(...part.problems);
    for (const layer of verified.layers) {
      spansRead += layer.spansRead;
      filesRead += layer.filesRead;
    }
  }
  return { problems, proof: { spansRead, filesRead } };
}

function notProved({ image }: PublishJob, problems: readonly Problem[]): ImageRefused {
  const [first, ...others] = problems;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  const message = `the verification of the index failed: ${first?.message}${more}`;
  return { outcome: 'refused', reason: 'not-proved', message, image, problems };
}

function isBuilt({ origin }: { readonly origin: 'built' | 'reused' }): boolean {
  return origin === 'built';
}

/**
 * Returns a source that finds zTOCs in the image with the output tag, then in the source image, then in the images with
 * the most similar tags. Returns undefined if neither store is a registry: indexing a local image is faster than a search.
 */
function reusableZtocs(job: PublishJob, current: Descriptor | undefined): ZtocSource | undefined {
  const { source, target, image, reuse, tag, sourceTag, isSamePlace, call, report } = job;
  if (typeof reuse !== 'boolean') return reuse;
  if (!reuse) return undefined;
  const options = {
    ...call,
    onSkipped: (candidate: SkippedCandidate) => report({ type: 'candidate-skipped', ...candidate }),
  };
  const places: ZtocSource[] = [];
  if (can(target, 'resolve', 'fetch', 'referrers', 'tags')) {
    const known = [tag, isSamePlace ? sourceTag : undefined].filter((each) => each !== undefined);
    // Start now, while the manifests of the image are read. A new layer needs the list in any case.
    const similar = findSimilarTags(target, tag ?? sourceTag ?? '', known, call).catch((error: unknown) => {
      if (!call.signal?.aborted) report({ type: 'candidate-skipped', error });
      return [];
    });
    const first = [...(current ? [current] : []), ...(isSamePlace ? [image] : [])];
    places.push(new ReusableZtocs(target, inOrder(first, similar), options));
  }
  if (!isSamePlace && source.tags !== undefined) places.push(new ReusableZtocs(source, [image], options));
  return places.length === 0 ? undefined : firstOf(places);
}

async function* inOrder<T>(first: readonly T[], others: Promise<readonly T[]>): AsyncGenerator<T, void, undefined> {
  yield* first;
  yield* await others;
}

function firstOf(places: readonly ZtocSource[]): ZtocSource {
  return {
    async find(...asked) {
      for (const place of places) {
        const found = await place.find(...asked);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

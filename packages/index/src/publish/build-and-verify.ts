import type { Descriptor, Fetcher, RangeFetcher } from '@soci/oci';
import { buildSociIndex, type NothingToIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import type { IndexedLayer, LayerReport } from '../convert/report.ts';
import type { ZtocSource } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import { ReusableZtocs, type SkippedCandidate } from '../reuse/reusable-ztocs.ts';
import { findSimilarTags } from '../reuse/similar-tags.ts';
import type { Problem } from '../verify/problem.ts';
import { checkSample, type SpanSample, spotCheckZtocs } from '../verify/spot-check.ts';
import { type VerifyProgress, verifySociIndex } from '../verify/verify-index.ts';
import { EarlyZtocs, ZtocNotProvedError } from './early-ztocs.ts';
import { type BuildOutput, hasMethods, type PublishJob, sampleSeed } from './job.ts';
import type { Proof } from './options.ts';
import type { ImageAlreadyIndexed, ImageRefused, ProofReport } from './result.ts';
import { overlayOutput, type ResultWriter } from './result-writer.ts';

/** An index that was built, and verified if `proof` is set. */
export interface VerifiedIndex {
  readonly outcome: 'verified';
  readonly output: BuildOutput;
  /** Bytes of layers that were read to build it. */
  readonly bytesRead: number;
  /** Absent if `proof` is not set. */
  readonly proof?: ProofReport;
  /** Spans of recompressed layers whose zTOCs were written. {@link verifyRecompressed} verifies them. */
  readonly unverified: readonly SpanSample[];
}

/**
 * Builds an index and verifies it before any manifest is written. If it is invalid and contains reused zTOCs, builds it again
 * from the layers. zTOCs are verified and written one by one, if possible.
 *
 * @param current - Content that the output tag names now.
 */
export async function buildAndVerify(
  job: PublishJob,
  writer: ResultWriter,
  current: Descriptor | undefined,
): Promise<VerifiedIndex | NothingToIndex | ImageRefused> {
  const { source, report } = job;
  const early = new EarlyZtocs(job, writer);
  const rebuild = (problem: Problem) => {
    report({ type: 'rebuilding', problem });
    return buildAndVerify({ ...job, reuse: false }, writer, current);
  };
  let output: BuildOutput | NothingToIndex;
  try {
    output = await buildWithWriteCheck(job, writer, early, findReusableZtocs(job, current));
  } catch (error) {
    if (!(error instanceof ZtocNotProvedError)) throw error;
    const [first] = error.problems;
    return error.origin === 'built' || first === undefined ? notProved(job, error.problems) : rebuild(first);
  }
  if (output.outcome === 'nothing-to-index') return output;
  const layers = output.layers.filter((layer) => layer.outcome === 'indexed');
  const { problems, proof } = await verifyOutput(job, output, overlayOutput(output, source), layers);
  const [first] = problems;
  if (first === undefined) {
    const original = layers.filter(isBuilt).map((layer) => layer.recompressedFrom ?? layer);
    const read = new Map(original.map(({ digest, size }) => [digest, size]));
    const bytesRead = [...read.values()].reduce((sum, size) => sum + size, 0);
    const all = proof && { ...proof, spansRead: proof.spansRead + early.spansRead };
    return { outcome: 'verified', output, bytesRead, ...(all && { proof: all }), unverified: early.unverified };
  }
  return layers.every(isBuilt) ? notProved(job, problems) : rebuild(first);
}

/** Verifies an existing index, if `proof` asks for it. */
export async function verifyExisting(
  job: PublishJob,
  found: ImageAlreadyIndexed,
): Promise<ImageAlreadyIndexed | ImageRefused> {
  const { target, proof: mode } = job;
  if (mode !== 'read-back' || !hasMethods(target, 'fetch')) return found;
  const { problems, proof } = await readBack(job, found, target, []);
  return problems.length > 0 ? notProved(job, problems) : { ...found, proof };
}

/** Builds an index. Checks during the first layer that the target is writable, to fail early if it is not. */
async function buildWithWriteCheck(
  job: PublishJob,
  writer: ResultWriter,
  early: EarlyZtocs,
  reuse: ZtocSource | undefined,
): Promise<BuildOutput | NothingToIndex> {
  const { source, target, image, version, build, report } = job;
  const abort = new AbortController();
  const signal = build.signal === undefined ? abort.signal : AbortSignal.any([build.signal, abort.signal]);
  let check: Promise<void> | undefined;
  const onProgress = (event: IndexProgress) => {
    if (event.type === 'layer-started') check ??= writer.checkWritable({ signal }).catch((error) => abort.abort(error));
    report(event);
  };
  const layerTarget = hasMethods(target, 'pushStream') ? { layerTarget: target } : {};
  const storage = early.isPossible ? { storeZtoc: early.store.bind(early) } : {};
  const options = { ...build, ...layerTarget, ...storage, signal, onProgress, ...(reuse && { reuse }) };
  try {
    const output = await (version === 2 ? convertImage : buildSociIndex)(source, image, options);
    await check;
    signal.throwIfAborted();
    return output;
  } finally {
    abort.abort();
  }
}

interface Verification {
  readonly problems: readonly Problem[];
  readonly proof?: ProofReport;
}

async function verifyOutput(
  job: PublishJob,
  output: BuildOutput,
  content: Fetcher,
  layers: readonly { readonly size: number }[],
): Promise<Verification> {
  const { source, proof: mode, report } = job;
  if (mode === undefined) return { problems: [] };
  if (mode === 'read-back') return readBack(job, output, content, layers);
  report({ type: 'proving', bytes: 0 });
  return spotCheck(
    job,
    mode,
    source,
    output,
    output.layers.filter((layer) => !isRecompressed(layer)),
  );
}

/**
 * Verifies a sample of spans of recompressed layers. Amazon ECR returns a layer only after a manifest refers to it, so this
 * happens after the manifests are written, and before the tag.
 */
export async function verifyRecompressed(
  job: PublishJob,
  verified: VerifiedIndex,
): Promise<VerifiedIndex | ImageRefused> {
  const { target, proof: mode } = job;
  const { output, proof } = verified;
  const layers = output.layers.filter(isRecompressed);
  if (layers.length === 0 || mode === undefined || mode === 'read-back' || !hasMethods(target, 'fetchRange'))
    return verified;
  const checks = [await spotCheck(job, mode, target, output, layers)];
  for (const sample of verified.unverified) {
    const { problems, spansRead } = await checkSample(target, sample, job.call);
    checks.push({ problems, proof: { spansRead, filesRead: 0 } });
  }
  const problems = checks.flatMap((check) => check.problems);
  if (problems.length > 0) return notProved(job, problems);
  const spansRead = checks.reduce((sum, check) => sum + check.proof.spansRead, proof?.spansRead ?? 0);
  return { ...verified, proof: { spansRead, filesRead: 0 } };
}

function isRecompressed(layer: LayerReport): layer is IndexedLayer {
  return layer.outcome === 'indexed' && layer.recompressedFrom !== undefined;
}

async function spotCheck(
  { image, call }: PublishJob,
  { spans }: Exclude<Proof, 'read-back'>,
  store: RangeFetcher,
  { artifacts }: BuildOutput,
  layers: readonly LayerReport[],
): Promise<Required<Verification>> {
  const options = { spans, seed: sampleSeed(image), ...call };
  const { spansRead, problems } = await spotCheckZtocs(store, { artifacts, layers }, options);
  return { problems, proof: { spansRead, filesRead: 0 } };
}

async function readBack(
  { build, call, report }: PublishJob,
  { root, indexes }: Pick<BuildOutput, 'root' | 'indexes'>,
  content: Fetcher,
  layers: readonly { readonly size: number }[],
): Promise<Required<Verification>> {
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
function findReusableZtocs(job: PublishJob, current: Descriptor | undefined): ZtocSource | undefined {
  const { source, target, image, reuse, tag, sourceTag, isSameStore, build, call, report } = job;
  if (typeof reuse !== 'boolean') return reuse;
  if (!reuse) return undefined;
  const options = {
    ...call,
    ...(build.limits && { limits: build.limits }),
    onSkipped: (candidate: SkippedCandidate) => report({ type: 'candidate-skipped', ...candidate }),
  };
  const sources: ReusableZtocs[] = [];
  if (hasMethods(target, 'resolve', 'fetch', 'referrers', 'tags')) {
    const known = [tag, isSameStore ? sourceTag : undefined].filter((each) => each !== undefined);
    // Start now, while the manifests of the image are read. A new layer needs the list in any case.
    const similar = findSimilarTags(target, tag ?? sourceTag ?? '', known, call).catch((error: unknown) => {
      if (!call.signal?.aborted) report({ type: 'candidate-skipped', error });
      return [];
    });
    const first = [...(current ? [current] : []), ...(isSameStore ? [image] : [])];
    sources.push(new ReusableZtocs(target, concatCandidates(first, similar), options));
  }
  if (!isSameStore && source.tags !== undefined) sources.push(new ReusableZtocs(source, [image], options));
  return sources.length === 0 ? undefined : combineSources(sources);
}

async function* concatCandidates<T>(
  first: readonly T[],
  others: Promise<readonly T[]>,
): AsyncGenerator<T, void, undefined> {
  yield* first;
  yield* await others;
}

function combineSources(sources: readonly ReusableZtocs[]): ZtocSource {
  const findFirst = async <T>(find: (source: ReusableZtocs) => Promise<T | undefined>): Promise<T | undefined> => {
    for (const source of sources) {
      const found = await find(source);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    find: (...args) => findFirst((source) => source.find(...args)),
    findGuided: (...args) => findFirst((source) => source.findGuided(...args)),
  };
}

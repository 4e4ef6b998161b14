import { createHash } from 'node:crypto';
import { Random } from '@soci/test-content';
import { AUTO_SPAN_SIZE, buildZtoc, bytesSource, type ReadRange, refineZtoc } from '@soci/ztoc';
import { renderLayer } from './layer/encoder.ts';
import type { ProgramName } from './layer/programs.ts';
import { randomEncoder } from './layer/random-encoder.ts';
import { soundTar } from './layer/random-tar.ts';
import { renderTar } from './layer/tar.ts';
import type { Difference, ZtocSummary } from './outcome.ts';
import { findReadBackDifference } from './read-back.ts';
import type { Reference } from './reference.ts';
import { findRuntimeDifference } from './runtime-difference.ts';

/** Sizes of archives, in bytes. Spans of smaller ones are rarely divided. */
const ARCHIVE_SIZES = [2 << 20, 40 << 20] as const;
const TOOL = 'AWS SOCI CLI v0.2';

/** The result for a random layer whose zTOC was built with the span size `auto`, and refined for random reads. */
interface RefinedComparison {
  readonly number: number;
  /** Number of spans before and after. */
  readonly spans: readonly [before: number, after: number];
  /** Number of files that were extracted through the zTOC, in addition to a mount that reads all of them. */
  readonly filesRead: number;
  readonly difference: Difference | undefined;
}

/**
 * Builds zTOCs of random gzip layers with the span size `auto`. Before they are refined, they must equal those of the
 * reference with the same span size. Afterwards, the reference must be able to read every file through them.
 */
export async function* compareRefinedLayers(
  seed: number,
  count: number,
  programs: readonly ProgramName[],
  reference: Reference,
): AsyncGenerator<RefinedComparison> {
  for (let number = 0; number < count; number++) {
    const random = new Random(seed, number, AUTO_SPAN_SIZE.gzip);
    const layer = await randomLayer(random, programs, reference);
    const theirs = await reference.build(layer, { spanSize: AUTO_SPAN_SIZE.gzip, algorithm: 'gzip', tool: TOOL });
    // The random layers compare what both reject.
    if (theirs.kind !== 'built') continue;
    const { bytes, candidates, ztoc } = await buildZtoc([layer], { spanSize: 'auto' });
    if (candidates === undefined) throw new Error('a gzip layer has no candidates');
    const reads = randomReads(random, ztoc.uncompressedArchiveSize);
    const refined = await refineZtoc(bytes, candidates, reads, bytesSource(layer));
    const readBack = await findReadBackDifference(layer, refined.bytes, 'gzip', reference, 3);
    const difference =
      findCoarseDifference(bytes, theirs.summary) ??
      readBack.difference ??
      (await findRuntimeDifference(layer, refined.bytes, 'gzip', reference));
    const spans = [ztoc.spanDigests.length, refined.ztoc.spanDigests.length] as const;
    yield { number, spans, filesRead: readBack.filesRead, difference };
  }
}

async function randomLayer(
  random: Random,
  programs: readonly ProgramName[],
  reference: Reference,
): Promise<Uint8Array> {
  const size = random.between(...ARCHIVE_SIZES);
  const archive = renderTar(soundTar(random, size));
  let encoder = randomEncoder(random, archive.length, programs);
  while (encoder.kind !== 'gzip') encoder = randomEncoder(random, archive.length, programs);
  return renderLayer(encoder, archive, (data, level, flushEvery) => reference.compress(data, level, flushEvery));
}

function randomReads(random: Random, size: number): ReadRange[] {
  return random.list(random.between(1, 12), () => {
    const start = random.between(0, size);
    return { start, end: start + random.magnitude(0, 4 << 20) };
  });
}

function findCoarseDifference(bytes: Uint8Array, theirs: ZtocSummary): Difference | undefined {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (digest === theirs.digest) return undefined;
  return { signature: 'auto: before refining', details: `ours: ${digest}\nreference: ${theirs.digest}` };
}

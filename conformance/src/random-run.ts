import { type Comparison, compareCase } from './comparison.ts';
import { type KnownDifference, saveFailure } from './failures.ts';
import { type LayerCase, randomLayerCase } from './layer/layer-case.ts';
import type { ProgramName } from './layer/programs.ts';
import { isLimited } from './outcome.ts';
import type { Reference } from './reference.ts';
import { shrinkCase } from './shrink.ts';

/** What to run. */
interface RandomRunOptions {
  readonly seed: number;
  readonly cases: number;
  readonly programs: readonly ProgramName[];
  /** Running references; as many cases are on their way at once. */
  readonly references: readonly Reference[];
  readonly known: readonly KnownDifference[];
  readonly onCase: (tally: RandomRunTally) => void;
  /** A difference, shrunk and kept. */
  readonly onDifference: (found: {
    readonly number: number;
    readonly comparison: Comparison;
    readonly folder: string;
  }) => void;
}

/** What a run has come to so far. */
export interface RandomRunTally {
  cases: number;
  built: number;
  refused: number;
  /** Refused by a named limit of ours; the reference has none. */
  limited: number;
  filesRead: number;
  bytes: number;
  differences: number;
  knownDifferences: number;
}

/** One case in so many has files read back through its zTOC. */
const READ_BACK_EVERY = 8;
/** Differences of one kind are shrunk and kept this many times; more of the same teach nothing. */
const KEPT_PER_SIGNATURE = 2;

/** Compares random layers, several at once. */
export async function runRandomLayers(options: RandomRunOptions): Promise<RandomRunTally> {
  const tally: RandomRunTally = {
    cases: 0,
    built: 0,
    refused: 0,
    limited: 0,
    filesRead: 0,
    bytes: 0,
    differences: 0,
    knownDifferences: 0,
  };
  const kept = new Map<string, number>();
  let next = 0;
  async function work(reference: Reference): Promise<void> {
    while (next < options.cases) {
      const number = next++;
      const layerCase = randomLayerCase(options.seed, number, options.programs);
      const comparison = await compareCase(layerCase, reference, number % READ_BACK_EVERY === 0);
      count(tally, comparison);
      if (comparison.difference !== undefined) await report(number, layerCase, comparison, reference);
      options.onCase(tally);
    }
  }
  async function report(
    number: number,
    layerCase: LayerCase,
    comparison: Comparison,
    reference: Reference,
  ): Promise<void> {
    const signature = comparison.difference?.signature ?? '';
    if (options.known.some((known) => known.signature === signature)) {
      tally.knownDifferences++;
      return;
    }
    tally.differences++;
    const times = (kept.get(signature) ?? 0) + 1;
    kept.set(signature, times);
    if (times > KEPT_PER_SIGNATURE) return;
    const smallest = await shrinkCase(
      layerCase,
      async (candidate) => (await compareCase(candidate, reference, true)).difference?.signature === signature,
    );
    const last = await compareCase(smallest, reference, true);
    options.onDifference({
      number,
      comparison: last,
      folder: saveFailure(`${options.seed}-${number}`, smallest, last),
    });
  }
  await Promise.all(options.references.map(work));
  return tally;
}

function count(tally: RandomRunTally, { ours, layer, filesRead }: Comparison): void {
  tally.cases++;
  tally.bytes += layer.length;
  tally.filesRead += filesRead;
  if (ours.kind === 'built') tally.built++;
  else if (isLimited(ours)) tally.limited++;
  else tally.refused++;
}

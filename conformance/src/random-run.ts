import { type Comparison, compareCase } from './comparison.ts';
import { type KnownDifference, saveFailure } from './failures.ts';
import { type LayerCase, randomLayerCase } from './layer/layer-case.ts';
import type { ProgramName } from './layer/programs.ts';
import { isLimited } from './outcome.ts';
import type { Reference } from './reference.ts';
import { formatCaseName } from './seed.ts';
import { shrinkCase } from './shrink.ts';

/** Options of {@link runRandomLayers}. */
interface RandomRunOptions {
  readonly seed: number;
  readonly cases: number;
  readonly programs: readonly ProgramName[];
  /** Running references. As many cases run at the same time. */
  readonly references: readonly Reference[];
  readonly known: readonly KnownDifference[];
  readonly onCase: (tally: RandomRunTally) => void;
  /** Called with each shrunk difference. `name` is for `--replay`. */
  readonly onDifference: (found: {
    readonly name: string;
    readonly comparison: Comparison;
    readonly folder: string;
  }) => void;
}

/** Counts of a run. */
export interface RandomRunTally {
  cases: number;
  built: number;
  refused: number;
  /** Rejected because of a limit that the reference does not have. */
  limited: number;
  filesRead: number;
  bytes: number;
  differences: number;
  knownDifferences: number;
}

/** In one of this many cases, files are read back through the zTOC, and the layer is mounted. */
const READ_BACK_EVERY = 4;
/** The number of differences with the same signature that are shrunk and kept. */
const KEPT_PER_SIGNATURE = 2;

/** Compares random layers, several at the same time. */
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
    const name = formatCaseName({ kind: 'layer', seed: options.seed, number });
    options.onDifference({ name, comparison: last, folder: saveFailure(name, smallest, last) });
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

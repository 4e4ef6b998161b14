import { type Comparison, type Spread, spread } from '../compare.ts';

/** A ratio of CPU times. A smaller one is better. */
export interface RatioDefinition {
  readonly name: string;
  /** Candidates whose times are divided by the sum of those of `by`. */
  readonly of: string;
  readonly by: readonly string[];
}

/** Ratios by name, as `docs/benchmarks-quick.json` has them for a processor. */
export type Ratios = Readonly<Record<string, number>>;

/** A ratio is worse if it is larger than the committed one by more than this factor. */
export const MAX_WORSENING = 1.1;

/** Number of runs that must agree that a ratio is worse: a single run can be disturbed by other load. */
export const MAX_RUNS = 3;

/** Returns the spread of each ratio over the rounds. A ratio without one of its candidates is left out. */
export function ratiosOf(comparison: Comparison, definitions: readonly RatioDefinition[]): Map<string, Spread> {
  const { names, rounds } = comparison;
  const isMeasured = ({ of, by }: RatioDefinition) => [of, ...by].every((name) => names.includes(name));
  const cpuOf = (round: Comparison['rounds'][number], name: string) => round[names.indexOf(name)]?.cpu ?? Number.NaN;
  return new Map(
    definitions.filter(isMeasured).map(({ name, of, by }) => {
      const values = rounds.map((round) => cpuOf(round, of) / by.reduce((sum, each) => sum + cpuOf(round, each), 0));
      return [name, spread(values)];
    }),
  );
}

/** Returns the names of ratios that are worse than the committed ones. */
export function worseRatios(measured: Ratios, committed: Ratios): string[] {
  return Object.entries(measured)
    .filter(([name, ratio]) => ratio > (committed[name] ?? Number.POSITIVE_INFINITY) * MAX_WORSENING)
    .map(([name]) => name);
}

/**
 * Measures until a run finds no ratio worse, or {@link MAX_RUNS} runs did.
 *
 * @returns The names of ratios that each run found worse.
 */
export async function confirmWorse(measure: () => Promise<Ratios>, committed: Ratios): Promise<string[]> {
  let worse: string[] | undefined;
  for (let run = 0; run < MAX_RUNS && worse?.length !== 0; run++) {
    const found = worseRatios(await measure(), committed);
    worse = worse === undefined ? found : worse.filter((name) => found.includes(name));
  }
  return worse ?? [];
}

/** The committed figures: ratios by processor, because processors differ by more than a change that matters. */
export interface QuickFigures {
  /** What the measured layer contains. */
  readonly layer: string;
  readonly processors: Readonly<Record<string, Ratios>>;
}

/** Returns the committed ratios of a processor. For an unknown one, each ratio is the worst of all processors. */
export function committedRatios({ processors }: QuickFigures, processor: string): Ratios {
  const own = processors[processor];
  if (own !== undefined) return own;
  const all = Object.values(processors);
  const names = new Set(all.flatMap(Object.keys));
  return Object.fromEntries([...names].map((name) => [name, Math.max(...all.map((ratios) => ratios[name] ?? 0))]));
}

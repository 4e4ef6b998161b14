import { type Spread, spread } from '../compare.ts';
import { type Cell, networkName } from './plan.ts';
import type { Results } from './results.ts';

/** Medians and extremes of the measurements of one cell, as in `docs/benchmarks-runtime.json`. */
export interface CellSummary {
  readonly workload: string;
  readonly variant: string;
  readonly network: string;
  readonly runs: number;
  readonly seconds: Spread;
  readonly bytes: Spread;
  /** Median number of requests. */
  readonly requests: number;
}

/** A workload that has been measured. */
export interface WorkloadSummary {
  readonly name: string;
  readonly title: string;
  /** Size of its image, in bytes. */
  readonly imageSize: number;
}

/** Content of `docs/benchmarks-runtime.json`. The chart and the demonstration use it. */
export interface RuntimeSummary {
  /** Day of the last measurement, such as `2026-11-29`. */
  readonly date: string;
  readonly machine: string;
  readonly workloads: readonly WorkloadSummary[];
  readonly cells: readonly CellSummary[];
}

/** Summarizes the cells that have measurements. */
export function summarize(cells: readonly Cell[], results: Results): CellSummary[] {
  return cells
    .filter((cell) => results.of(cell).length > 0)
    .map((cell) => {
      const starts = results.of(cell);
      return {
        workload: cell.workload.name,
        variant: cell.variant.name,
        network: networkName(cell.network),
        runs: starts.length,
        seconds: rounded(spread(starts.map(({ seconds }) => seconds)), 100),
        bytes: rounded(spread(starts.map(({ bytes }) => bytes)), 1),
        requests: spread(starts.map(({ requests }) => requests)).median,
      };
    });
}

function rounded({ median, min, max }: Spread, factor: number): Spread {
  const round = (value: number) => Math.round(value * factor) / factor;
  return { median: round(median), min: round(min), max: round(max) };
}

import type { RuntimeImage } from './images.ts';

/** A network between the registry and its clients. */
export interface Network {
  /** Bandwidth of all connections together, in millions of bits per second. */
  readonly megabits: number;
  /** Time from a request to the start of its response, in milliseconds. */
  readonly latency: number;
}

/** A program in a container. */
export interface Workload {
  readonly name: string;
  /** For tables. */
  readonly title: string;
  /** Short title, for the chart. */
  readonly label: string;
  readonly image: RuntimeImage;
  readonly command: readonly string[];
}

/** The programs whose start is measured. */
export const WORKLOADS: readonly Workload[] = [
  {
    name: 'python',
    title: "python -c 'print(1+1)'",
    label: 'python -c',
    image: 'app',
    command: ['/usr/bin/python3', '-c', 'print(1+1)'],
  },
  {
    name: 'numpy',
    title: "python -c 'import numpy'",
    label: 'import numpy',
    image: 'app',
    command: ['/usr/bin/python3', '-c', 'import numpy; print(numpy.arange(10).sum())'],
  },
  {
    name: 'node',
    title: "node -e 'console.log(1+1)'",
    label: 'node -e',
    image: 'app',
    command: ['/usr/local/bin/node', '-e', 'console.log(1+1)'],
  },
  {
    name: 'tsc',
    title: 'tsc --version',
    label: 'tsc --version',
    image: 'app',
    command: ['/usr/local/bin/node', '/app/node_modules/typescript/bin/tsc', '--version'],
  },
  {
    name: 'go',
    title: 'containerd --version',
    label: 'static Go binary',
    image: 'go',
    command: ['/usr/local/bin/containerd', '--version'],
  },
];

/** A way to start a container. */
export interface Variant {
  readonly name: string;
  readonly title: string;
  /** Options of `soci-index convert`, or undefined for the ordinary pull. */
  readonly convert?: readonly string[];
  /** The source of the profile. `python` is the recorded profile of the workload with this name. */
  readonly profile?: 'recorded' | 'predicted' | 'python';
}

/** The ways that are compared. */
export const VARIANTS: readonly Variant[] = [
  { name: 'pull', title: 'ordinary pull' },
  { name: 'reference', title: "the reference's index", convert: ['--compat', 'soci-cli'] },
  { name: 'default', title: 'soci-index, default', convert: [] },
  { name: 'recorded', title: 'soci-index, recorded profile', convert: [], profile: 'recorded' },
  { name: 'predicted', title: 'soci-index, predicted profile', convert: [], profile: 'predicted' },
  { name: '1MiB', title: 'soci-index, spans of 1 MiB', convert: ['--span-size', '1MiB'] },
  { name: '8MiB', title: 'soci-index, spans of 8 MiB', convert: ['--span-size', '8MiB'] },
  { name: '16MiB', title: 'soci-index, spans of 16 MiB', convert: ['--span-size', '16MiB'] },
];

/** An index that was made for another program of the same image. */
export const OTHER_PROFILE: Variant = {
  name: 'other',
  title: 'soci-index, recorded profile of `python -c`',
  convert: [],
  profile: 'python',
};

/** The network of the comparison, then the networks for the workload `python` only. */
export const NETWORKS: readonly Network[] = [
  { megabits: 100, latency: 10 },
  { megabits: 10, latency: 10 },
  { megabits: 1000, latency: 10 },
  { megabits: 100, latency: 100 },
];

/** Measurements of one program, started in one way over one network. */
export interface Cell {
  readonly workload: Workload;
  readonly variant: Variant;
  readonly network: Network;
  /** Number of measurements. */
  readonly runs: number;
}

/** Selects a part of the benchmark. Names as in {@link keyOf}. An empty list selects everything. */
export interface Selection {
  readonly workloads: readonly string[];
  readonly variants: readonly string[];
  readonly networks: readonly string[];
  /** @default 5, and 3 for the other networks */
  readonly runs?: number | undefined;
}

/** Runs of the first network and of the others. */
const RUNS = 5;
const OTHER_RUNS = 3;

/** Returns the name of a network, such as `100-10`. */
export function networkName({ megabits, latency }: Network): string {
  return `${megabits}-${latency}`;
}

/** Returns the cells of the benchmark, in the order of the report. */
export function planCells({ workloads, variants, networks, runs }: Selection): Cell[] {
  const cells: Cell[] = [];
  for (const [position, network] of NETWORKS.entries()) {
    for (const workload of position === 0 ? WORKLOADS : WORKLOADS.slice(0, 1)) {
      const hasOther = position === 0 && workload.name !== 'python' && workload.image === 'app';
      for (const variant of hasOther ? [...VARIANTS, OTHER_PROFILE] : VARIANTS) {
        cells.push({ workload, variant, network, runs: runs ?? (position === 0 ? RUNS : OTHER_RUNS) });
      }
    }
  }
  const selects = (names: readonly string[], name: string) => names.length === 0 || names.includes(name);
  return cells.filter(
    (cell) =>
      selects(workloads, cell.workload.name) &&
      selects(variants, cell.variant.name) &&
      selects(networks, networkName(cell.network)),
  );
}

/** Returns the name of a cell: workload, variant and network. */
export function keyOf({ workload, variant, network }: Cell): string {
  return `${workload.name} ${variant.name} ${networkName(network)}`;
}

/** Fraction of the image that a start over an index fetches, for the estimate. */
const FRACTION: Readonly<Record<string, number>> = { pull: 1 };
const LAZY_FRACTION = 0.2;
/** Time for requests, unpacking and the start of the daemons, in seconds. */
const PULL_OVERHEAD = 15;
const LAZY_OVERHEAD = 5;

/** Estimates the duration of one measurement of a cell, in seconds. */
export function estimateSeconds({ variant, network }: Cell, imageSize: number): number {
  const isPull = variant.convert === undefined;
  const bytes = imageSize * (FRACTION[variant.name] ?? LAZY_FRACTION);
  const requests = isPull ? 20 : 100;
  return (
    bytes / (network.megabits * 125_000) +
    (requests * network.latency) / 1000 +
    (isPull ? PULL_OVERHEAD : LAZY_OVERHEAD)
  );
}

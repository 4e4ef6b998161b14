import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Comparison, compare, ratioOf, spreadOf } from '../compare.ts';
import { CACHE } from '../data.ts';
import { layoutSize } from '../generate-image.ts';
import { outputOf, sociIndex } from '../measure.ts';
import { formatSpread, formatTable, megabytes, type Section, type Target } from '../report.ts';
import { imageInOneLayer, imageOf } from '../runtime/images.ts';
import { WORKLOADS, type Workload } from '../runtime/plan.ts';

const MAX_CPU_RATIO = 1.15;
const MAX_MORE_MEMORY = 40e6;

const FIXED = 'spans of 4 MiB';
const AUTO = ['given', 'predicted'] as const;

/** An image, and how its layers are named in the report. */
interface Kind {
  readonly title: string;
  readonly imageOf: (workload: Workload) => Promise<string>;
}

const KINDS: readonly [Kind, Kind] = [
  { title: 'one layer', imageOf: imageInOneLayer },
  { title: 'four layers', imageOf },
];

/** Measures what `--span-size auto` costs: in images of the benchmark of container starts, with given and predicted profiles. */
export async function benchProfiles(rounds: number): Promise<Section> {
  const workloads = WORKLOADS.filter(({ image }) => image === 'app');
  const rows: string[][] = [];
  const targets: Target[] = [];
  for (const kind of KINDS) {
    const comparisons: Comparison[] = [];
    for (const workload of workloads) {
      const comparison = await compareSpans(kind, workload, rounds);
      comparisons.push(comparison);
      rows.push([`${kind.title}, \`${workload.title}\``, ...valuesOf(comparison)]);
    }
    targets.push(cpuTarget(kind, comparisons));
    if (kind === KINDS[0]) targets.push(memoryTarget(kind, comparisons));
  }
  const size = layoutSize(await imageOf(workloads[0] as Workload));
  return {
    heading: 'Spans for a profile',
    setup: `An image of ${megabytes(size)} MB, 1.2 GB decompressed, converted from one OCI layout to another with one thread: with spans of 4 MiB, and with \`--span-size auto\`, once with \`--profile\` and once without. The file of the profile is what \`profile predict\` prints. The image has four layers, or one with the same files. CPU is relative to spans of 4 MiB.`,
    tables: [
      formatTable(
        ['', 'CPU with 4 MiB, s', 'CPU, given', 'CPU, predicted', 'memory with 4 MiB, MB', 'given', 'predicted'],
        rows,
      ),
    ],
    targets,
  };
}

async function compareSpans(kind: Kind, workload: Workload, rounds: number): Promise<Comparison> {
  const image = `oci:${await kind.imageOf(workload)}:latest`;
  const folder = join(CACHE, 'profiles');
  mkdirSync(folder, { recursive: true });
  const profile = join(folder, `${workload.name}.json`);
  outputOf(sociIndex('profile', 'predict', '--output', profile, image));
  const out = join(CACHE, 'converted');
  const convert = (...options: string[]) =>
    sociIndex('convert', '--quiet', '--jobs', '1', ...options, image, `oci:${out}:latest`);
  const candidates = [
    { name: FIXED, command: convert() },
    { name: 'given', command: convert('--span-size', 'auto', '--profile', profile) },
    { name: 'predicted', command: convert('--span-size', 'auto') },
  ];
  const prepare = () => rmSync(out, { recursive: true, force: true });
  return compare(`${kind.title}, ${workload.name}`, candidates, rounds, prepare);
}

function valuesOf(comparison: Comparison): string[] {
  const memoryOf = (name: string) => spreadOf(comparison, name, ({ memory }) => memory).median;
  return [
    formatSpread(spreadOf(comparison, FIXED, ({ cpu }) => cpu)),
    ...AUTO.map((name) => formatSpread(cpuRatio(comparison, name))),
    megabytes(memoryOf(FIXED)),
    ...AUTO.map((name) => `+${megabytes(memoryOf(name) - memoryOf(FIXED))}`),
  ];
}

function cpuRatio(comparison: Comparison, name: string) {
  return ratioOf(comparison, name, FIXED, ({ cpu }) => cpu);
}

function cpuTarget({ title }: Kind, comparisons: readonly Comparison[]): Target {
  const ratios = comparisons.flatMap((comparison) => AUTO.map((name) => cpuRatio(comparison, name).median));
  return {
    goal: `with ${title}, \`auto\` takes at most ${MAX_CPU_RATIO} times the CPU time of spans of 4 MiB, with each profile`,
    isReached: ratios.every((ratio) => ratio <= MAX_CPU_RATIO),
    measured: `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} times`,
  };
}

function memoryTarget({ title }: Kind, comparisons: readonly Comparison[]): Target {
  const more = comparisons.flatMap((comparison) => {
    const memoryOf = (name: string) => spreadOf(comparison, name, ({ memory }) => memory).median;
    return AUTO.map((name) => memoryOf(name) - memoryOf(FIXED));
  });
  return {
    goal: `with ${title}, \`auto\` needs at most ${megabytes(MAX_MORE_MEMORY)} MB more memory`,
    isReached: Math.max(...more) <= MAX_MORE_MEMORY,
    measured: `${megabytes(Math.min(...more))} to ${megabytes(Math.max(...more))} MB`,
  };
}

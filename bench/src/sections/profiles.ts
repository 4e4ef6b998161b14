import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Comparison, compare, ratioOf, type Spread, spreadOf } from '../compare.ts';
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
const HEAD = ['', 'CPU with 4 MiB, s', 'given', 'predicted', 'memory with 4 MiB, MB', 'given', 'predicted'];

/** The workloads of the image with several layers. */
const APP_WORKLOADS = WORKLOADS.filter(({ image }) => image === 'app');

/** Measures what `--span-size auto` costs: in images of the benchmark of container starts, with given and predicted profiles. */
export async function benchProfiles(rounds: number): Promise<Section> {
  const oneLayer = await compareWorkloads('one layer', imageInOneLayer, rounds);
  const fourLayers = await compareWorkloads('four layers', imageOf, rounds);
  const size = layoutSize(await imageOf(APP_WORKLOADS[0] as Workload));
  return {
    heading: 'Spans for a profile',
    setup: `An image of ${megabytes(size)} MB, 1.2 GB decompressed, converted from one OCI layout to another with one thread: with spans of 4 MiB, and with \`--span-size auto\`, once with \`--profile\` and once without. The file of the profile is what \`profile predict\` prints. The image has four layers, or one with the same files. CPU and memory are relative to spans of 4 MiB.`,
    tables: [formatTable(HEAD, [...oneLayer, ...fourLayers].map(rowOf))],
    targets: [
      cpuTarget('one layer', oneLayer),
      memoryTarget('one layer', oneLayer),
      cpuTarget('four layers', fourLayers),
    ],
  };
}

async function compareWorkloads(
  layers: string,
  layoutOf: (workload: Workload) => Promise<string>,
  rounds: number,
): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const workload of APP_WORKLOADS) {
    const image = `oci:${await layoutOf(workload)}:latest`;
    comparisons.push(await compareSpans(`${layers}, \`${workload.title}\``, image, rounds));
  }
  return comparisons;
}

async function compareSpans(title: string, image: string, rounds: number): Promise<Comparison> {
  const profile = join(CACHE, 'profile.json');
  outputOf(sociIndex('profile', 'predict', '--output', profile, image));
  const out = join(CACHE, 'converted');
  const convert = (...options: string[]) =>
    sociIndex('convert', '--quiet', '--jobs', '1', ...options, image, `oci:${out}:latest`);
  const candidates = [
    { name: FIXED, command: convert() },
    { name: 'given', command: convert('--span-size', 'auto', '--profile', profile) },
    { name: 'predicted', command: convert('--span-size', 'auto') },
  ];
  return compare(title, candidates, rounds, () => rmSync(out, { recursive: true, force: true }));
}

function rowOf(comparison: Comparison): string[] {
  return [
    comparison.title,
    formatSpread(spreadOf(comparison, FIXED, ({ cpu }) => cpu)),
    ...AUTO.map((name) => formatSpread(cpuRatio(comparison, name))),
    megabytes(memoryOf(comparison, FIXED)),
    ...AUTO.map((name) => `+${megabytes(moreMemory(comparison, name))}`),
  ];
}

function cpuRatio(comparison: Comparison, name: string): Spread {
  return ratioOf(comparison, name, FIXED, ({ cpu }) => cpu);
}

function memoryOf(comparison: Comparison, name: string): number {
  return spreadOf(comparison, name, ({ memory }) => memory).median;
}

function moreMemory(comparison: Comparison, name: string): number {
  return memoryOf(comparison, name) - memoryOf(comparison, FIXED);
}

function cpuTarget(layers: string, comparisons: readonly Comparison[]): Target {
  const ratios = comparisons.flatMap((comparison) => AUTO.map((name) => cpuRatio(comparison, name).median));
  return {
    goal: `with ${layers}, \`auto\` takes at most ${MAX_CPU_RATIO} times the CPU time of spans of 4 MiB, with each profile`,
    isReached: ratios.every((ratio) => ratio <= MAX_CPU_RATIO),
    measured: `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} times`,
  };
}

function memoryTarget(layers: string, comparisons: readonly Comparison[]): Target {
  const more = comparisons.flatMap((comparison) => AUTO.map((name) => moreMemory(comparison, name)));
  return {
    goal: `with ${layers}, \`auto\` needs at most ${megabytes(MAX_MORE_MEMORY)} MB more memory`,
    isReached: Math.max(...more) <= MAX_MORE_MEMORY,
    measured: `${megabytes(Math.min(...more))} to ${megabytes(Math.max(...more))} MB`,
  };
}

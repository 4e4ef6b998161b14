import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layoutSize } from '../generate-image.ts';
import {
  BENCHMARKS_PAGE,
  describeMachine,
  formatSection,
  formatSpread,
  formatTable,
  megabytes,
  RUNTIME_SECTION,
  replaceSection,
} from '../report.ts';
import { drawChart } from './chart.ts';
import { imageOf } from './images.ts';
import { type Cell, NETWORKS, type Network, networkName, OTHER_PROFILE, VARIANTS, WORKLOADS } from './plan.ts';
import type { Results } from './results.ts';
import { type CellSummary, type RuntimeSummary, summarize, type WorkloadSummary } from './summary.ts';
import { checkTargets } from './targets.ts';

const DATA = new URL('../../../docs/benchmarks-runtime.json', import.meta.url);
const CHART = new URL('../../../docs/container-start.svg', import.meta.url);

const SCRIPTS = fileURLToPath(new URL('../../../scripts', import.meta.url));

const MAIN_NETWORK = NETWORKS[0] as Network;

/** Prints the section of the results so far. */
export async function printReport(cells: readonly Cell[], results: Results): Promise<void> {
  console.log(formatReport(await summaryOf(cells, results), cells, results));
}

/** Writes the section in `docs/benchmarks.md`, the chart and the data of both. */
export async function writeReports(cells: readonly Cell[], results: Results): Promise<void> {
  const summary = await summaryOf(cells, results);
  writeFileSync(DATA, `${JSON.stringify(summary, undefined, 2)}\n`);
  writeFileSync(CHART, drawChart(summary));
  replaceSection(BENCHMARKS_PAGE, RUNTIME_SECTION, formatReport(summary, cells, results));
  execFileSync(process.execPath, [join(SCRIPTS, 'format-markdown.mjs'), fileURLToPath(BENCHMARKS_PAGE)]);
}

async function summaryOf(cells: readonly Cell[], results: Results): Promise<RuntimeSummary> {
  const times = cells.flatMap((cell) => results.of(cell).map(({ at }) => at)).sort();
  const measured = summarize(cells, results);
  const workloads: WorkloadSummary[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => measured.some((cell) => cell.workload === name))) {
    const { name, title } = workload;
    workloads.push({ name, title, imageSize: layoutSize(await imageOf(workload)) });
  }
  return { date: times.at(-1)?.slice(0, 10) ?? '', machine: describeMachine(), workloads, cells: measured };
}

function formatReport(summary: RuntimeSummary, cells: readonly Cell[], results: Results): string {
  const { workloads } = summary;
  const find = (workload: string, variant: string, network: Network) =>
    summary.cells.find(
      (cell) => cell.workload === workload && cell.variant === variant && cell.network === networkName(network),
    );
  /** Formats a table with a row for each variant that has values. */
  const table = (heads: readonly string[], value: (variant: string, column: number) => string) => {
    const rows = [...VARIANTS, OTHER_PROFILE].map(({ name, title }) => [
      title,
      ...heads.map((_, column) => value(name, column)),
    ]);
    return formatTable(
      ['', ...heads],
      rows.filter((row) => row.slice(1).some((cell) => cell !== '')),
    );
  };
  const byWorkload = (value: (cell: CellSummary) => string) =>
    table(
      workloads.map(({ title }) => `\`${title}\``),
      (variant, column) => {
        const found = find(workloads[column]?.name ?? '', variant, MAIN_NETWORK);
        return found ? value(found) : '';
      },
    );
  const [first] = WORKLOADS;
  const networks = NETWORKS.filter((network) => summary.cells.some((cell) => cell.network === networkName(network)));
  const byNetwork = table(
    networks.map(({ megabits, latency }) => `${megabits.toLocaleString('en-US')} Mbit/s, ${latency} ms`),
    (variant, column) => {
      const found = find(first?.name ?? '', variant, networks[column] as Network);
      return found ? formatSpread(found.seconds) : '';
    },
  );
  const sizes = [...new Set(workloads.map(({ imageSize }) => `${megabytes(imageSize)} MB`))];
  return formatSection({
    heading: RUNTIME_SECTION,
    setup: `The time from nothing to the first output of a container: pull and run. containerd v2.2.9 and soci-snapshotter v0.16.1 start each container with empty stores. All connections to the registry share ${MAIN_NETWORK.megabits} Mbit/s, and each response starts after ${MAIN_NETWORK.latency} ms. Background fetch is off. The variants alternate; times are medians of ${describeRuns(cells, results)} with minimum and maximum. The images contain packages of Debian, PyPI and npm, and have ${sizes.join(' and ')}. \`npm run bench -- runtime\` writes this section; last measured on ${summary.date}.`,
    tables: [
      'Seconds to the first output:',
      byWorkload(({ seconds }) => formatSpread(seconds)),
      'Bytes fetched, in MB:',
      byWorkload(({ bytes }) => (bytes.median / 1e6).toFixed(1)),
      `Seconds to the first output of \`${first?.title}\`, over other networks:`,
      byNetwork,
    ],
    targets: checkTargets(cells, results),
  });
}

/** Describes the number of runs of a measurement, such as "3 to 5 runs". */
function describeRuns(cells: readonly Cell[], results: Results): string {
  const counts = cells.map((cell) => results.of(cell).length).filter((count) => count > 0);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  if (fewest === most) return `${most} ${most === 1 ? 'run' : 'runs'}`;
  return `${fewest} to ${most} runs`;
}

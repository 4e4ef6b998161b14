import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { RuntimeSummary } from './summary.ts';

const DOCS = new URL('../../../docs/', import.meta.url);

const read = (name: string) => readFileSync(new URL(name, DOCS), 'utf8');
const { workloads, cells } = JSON.parse(read('benchmarks-runtime.json')) as RuntimeSummary;

/** Rows of the settings in the guide, and the variants of the benchmark. */
const VARIANTS: Readonly<Record<string, string>> = {
  'ordinary pull': 'pull',
  'spans of 1 MiB': '1MiB',
  '**spans of 4 MiB (default)**': 'default',
  'spans of 8 MiB': '8MiB',
  'spans of 16 MiB': '16MiB',
  '`--span-size auto`, predicted': 'predicted',
  '`--profile`, recorded': 'recorded',
};

// Change the pages of the guide if a new measurement gives other numbers.
it('docs/guide/should-i-index.md has the numbers of the last measurement', () => {
  const page = read('guide/should-i-index.md');
  for (const { name, title } of workloads.filter((each) => each.name !== 'go')) {
    const [pull, lazy] = [cellOf(name, 'pull'), cellOf(name, 'default')];
    const share = Math.round((lazy.bytes.median / pull.bytes.median) * 100);
    expect(page).toContain(`| \`${title}\` | ${share} % | ${seconds(name, 'pull')} | ${seconds(name, 'default')} |`);
  }
  const words = page.replaceAll(/\s+/g, ' ');
  const [fast, slow] = ['1000-10', '10-10'] as const;
  expect(words).toContain(
    `takes ${seconds('python', 'pull', fast)} without and ${seconds('python', 'default', fast)} with an index at 1,000 Mbit/s, ` +
      `and ${seconds('python', 'pull', slow)} and ${seconds('python', 'default', slow)} at 10 Mbit/s`,
  );
  expect(words).toContain(`started in ${seconds('go', 'default')} instead of ${seconds('go', 'pull')}`);
});

it('docs/guide/spans-and-profiles.md has the numbers of the last measurement', () => {
  const page = read('guide/spans-and-profiles.md');
  for (const [label, variant] of Object.entries(VARIANTS)) {
    const values = ['python', 'tsc'].flatMap((name) => [seconds(name, variant), megabytes(name, variant)]);
    expect(page).toContain(`| ${label} | ${values.join(' | ')} |`);
  }
});

it('docs/guide/comparison.md has the numbers of the last benchmark of a whole image', () => {
  const [, section = ''] = read('benchmarks.md').split('\n## A whole image\n');
  const size = /layers, (\d+ MB)/.exec(section)?.[1];
  const [disk, ratio] = /^\| reference \|.* \| (\d+) \| ([\d.]+) /m.exec(section)?.slice(1) ?? [];
  const page = read('guide/comparison.md');
  expect(page).toContain(`| ${disk} MB for an image of ${size} ([run](../benchmarks.md#a-whole-image)) |`);
  expect(page).toContain(`| ${Number(ratio).toFixed(1)} ([run](../benchmarks.md#a-whole-image)) |`);
});

function cellOf(workload: string, variant: string, network = '100-10') {
  const found = cells.find((c) => c.workload === workload && c.variant === variant && c.network === network);
  if (found === undefined) throw new Error(`${workload}, ${variant}, ${network} was not measured`);
  return found;
}

function seconds(workload: string, variant: string, network?: string): string {
  return `${cellOf(workload, variant, network).seconds.median.toFixed(1)} s`;
}

function megabytes(workload: string, variant: string): string {
  return `${Math.round(cellOf(workload, variant).bytes.median / 1e6)} MB`;
}

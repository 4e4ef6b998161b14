import { describe, expect, it } from 'vitest';
import { drawChart } from './chart.ts';
import type { CellSummary, RuntimeSummary } from './summary.ts';

function cell(workload: string, variant: string, seconds: number, network = '100-10'): CellSummary {
  const spread = { median: seconds, min: seconds, max: seconds };
  return { workload, variant, network, runs: 1, seconds: spread, bytes: spread, requests: 1 };
}

const summary: RuntimeSummary = {
  date: '2026-01-02',
  machine: '',
  workloads: [],
  cells: [
    cell('python', 'pull', 40),
    cell('python', 'reference', 6.34),
    cell('python', 'default', 6.3),
    cell('python', 'recorded', 3.9),
    cell('python', 'recorded', 33, '10-10'),
    cell('python', 'predicted', 5),
    cell('go', 'pull', 10),
  ],
};

describe('the chart', () => {
  const svg = drawChart(summary);

  it('has a bar for each variant of each workload over the first network, in proportion to its time', () => {
    const bars = [...svg.matchAll(/<rect class="(\w+)" x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="13"/g)];
    expect(bars.map(([, variant]) => variant)).toEqual(['pull', 'reference', 'default', 'recorded', 'pull']);
    const widths = bars.map(([, , width]) => Number(width));
    expect((widths[4] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(10 / 40, 2);
    expect([...svg.matchAll(/class="value"[^>]*>([^<]*)</g)].map(([, text]) => text)).toEqual([
      '40.0 s',
      '6.3 s',
      '6.3 s',
      '3.9 s',
      '10.0 s',
    ]);
  });

  it('says the same in words, for screen readers', () => {
    expect(svg).toContain('<title id="title">Seconds from nothing to the first output of a container</title>');
    expect(svg).toContain(
      'python -c: ordinary pull 40.0 s, reference index 6.3 s, soci-index 6.3 s, soci-index with a profile 3.9 s.',
    );
    expect(svg).toContain('role="img" aria-labelledby="title desc"');
  });

  it('has colours for dark mode, and loads nothing', () => {
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|url\(|<image|<script/);
  });
});

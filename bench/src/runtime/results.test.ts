import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { type Cell, keyOf, planCells } from './plan.ts';
import { compareProfiles } from './prediction.ts';
import { Results, type Start } from './results.ts';
import { summarize } from './summary.ts';
import { checkTargets } from './targets.ts';

const folder = temporaryFolder();
const all = planCells({ workloads: [], variants: [], networks: [] });

function start(seconds: number, bytes = 1000, image = 'sha256:a'): Start {
  return { seconds, bytes, requests: 10, image, at: '2026-01-02T03:04:05.000Z' };
}

function cell(workload: string, variant: string): Cell {
  const [found] = planCells({ workloads: [workload], variants: [variant], networks: ['100-10'] });
  if (found === undefined) throw new Error(`no cell for ${workload} ${variant}`);
  return found;
}

/** Returns results in a new file, with one start for each number of seconds. */
function resultsOf(name: string, seconds: Readonly<Record<string, readonly number[]>>): Results {
  const results = new Results(true, join(folder, `${name}.json`));
  for (const [words, times] of Object.entries(seconds)) {
    const [workload = '', variant = ''] = words.split(' ');
    for (const time of times) results.add(cell(workload, variant), start(time, time * 1e6));
  }
  return results;
}

describe('the plan', () => {
  it('has every workload with every variant once, and the first one over all networks', () => {
    expect(new Set(all.map(keyOf)).size).toBe(all.length);
    expect(all.filter(({ variant }) => variant.name === 'pull').map(keyOf)).toEqual([
      'python pull 100-10',
      'numpy pull 100-10',
      'node pull 100-10',
      'tsc pull 100-10',
      'go pull 100-10',
      'python pull 10-10',
      'python pull 1000-10',
      'python pull 100-100',
    ]);
    expect(all.filter(({ variant }) => variant.name === 'other').map(({ workload }) => workload.name)).toEqual([
      'numpy',
      'node',
      'tsc',
    ]);
    expect(new Set(all.map(({ runs }) => runs))).toEqual(new Set([5, 3]));
  });

  it('can be limited to names, and to a number of runs', () => {
    const cells = planCells({ workloads: ['tsc'], variants: ['pull', 'recorded'], networks: [], runs: 2 });
    expect(cells.map((one) => `${keyOf(one)} ${one.runs}`)).toEqual(['tsc pull 100-10 2', 'tsc recorded 100-10 2']);
  });
});

describe('results', () => {
  it('are kept for the next invocation, unless it forgets them', () => {
    resultsOf('kept', { 'python pull': [40, 42] });
    const file = join(folder, 'kept.json');
    expect(new Results(false, file).of(cell('python', 'pull')).map(({ seconds }) => seconds)).toEqual([40, 42]);
    expect(new Results(true, file).of(cell('python', 'pull'))).toEqual([]);
  });

  it('of another image are forgotten', () => {
    const results = resultsOf('changed', { 'python default': [6, 7] });
    results.add(cell('python', 'default'), start(5, 1, 'sha256:b'));
    expect(results.forgetOthers(cell('python', 'default'), 'sha256:b')).toBe(2);
    expect(results.of(cell('python', 'default')).map(({ seconds }) => seconds)).toEqual([5]);
  });

  it('are summarized by median and extremes', () => {
    const [summary, ...others] = summarize(all, resultsOf('summary', { 'node default': [9, 7, 8.123] }));
    expect(others).toEqual([]);
    expect(summary).toMatchObject({ workload: 'node', variant: 'default', network: '100-10', runs: 3 });
    expect(summary?.seconds).toEqual({ median: 8.12, min: 7, max: 9 });
  });
});

describe('a prediction', () => {
  it('is compared with a recording by the bytes of files', () => {
    const recorded = {
      files: [
        {
          path: '/a',
          ranges: [
            { offset: 0, length: 100 },
            { offset: 300, length: 100 },
          ],
        },
        { path: '/b' },
        { path: '/missed', ranges: [{ offset: 0, length: 10 }] },
      ],
    };
    const predicted = {
      files: [
        { path: '/a', size: 1000, ranges: [{ offset: 50, length: 300 }] },
        { path: '/b', size: 7 },
        { path: '/c', size: 40 },
      ],
    };
    expect(compareProfiles(recorded, predicted)).toEqual({ recorded: 217, predicted: 347, both: 107 });
  });

  it('is kept with the results, and compared with its targets when all workloads have one', () => {
    const results = resultsOf('predictions', {});
    for (const name of ['python', 'numpy', 'node', 'tsc', 'go']) {
      results.setPrediction(name, { recorded: 100, predicted: name === 'tsc' ? 201 : 150, both: 85 });
    }
    const targets = checkTargets(all, new Results(false, join(folder, 'predictions.json')));
    expect(targets.map(({ isReached, measured }) => [isReached, measured])).toEqual([
      [true, 'python 85 %, numpy 85 %, node 85 %, tsc 85 %, go 85 %'],
      [false, 'python 1.50, numpy 1.50, node 1.50, tsc 2.01, go 1.50'],
    ]);
  });
});

describe('targets', () => {
  it('compare runs with the same number', () => {
    const targets = checkTargets(
      all,
      resultsOf('targets', {
        'python pull': [40, 44],
        'python default': [5, 11],
        'python reference': [10, 10],
        'python recorded': [6, 8],
      }),
    );
    expect(targets.map(({ goal, isReached, measured }) => [goal.slice(0, 50), isReached, measured])).toEqual([
      ['with the default index, `python -c` starts at leas', true, '6.00 (4.00–8.00) times'],
      ['with its recorded profile, `python -c` starts at l', true, '30 % (20 % to 40 %)'],
    ]);
  });

  it('for the median need all workloads', () => {
    const seconds = (factor: number) =>
      Object.fromEntries(
        ['python', 'numpy', 'node', 'tsc', 'go'].flatMap((name, position) => [
          [`${name} reference`, [10]],
          [`${name} recorded`, [factor * (5 + position)]],
        ]),
      );
    const measuredOf = (factor: number) => {
      const targets = checkTargets(all, resultsOf(`median-${factor}`, seconds(factor)));
      return targets.map(({ isReached, measured }) => [isReached, measured.slice(0, 4)]);
    };
    expect(measuredOf(1)).toEqual([
      [true, '50 %'],
      [true, '30 %'],
      [true, '30 %'],
    ]);
    expect(measuredOf(1.15)).toEqual([
      [true, '43 %'],
      [false, '20 %'],
      [false, '20 %'],
    ]);
  });

  it('are missed if one of the other workloads starts too late with the profile of another', () => {
    const results = resultsOf('other', {
      ...{ 'numpy default': [10], 'numpy other': [10.4] },
      ...{ 'node default': [10], 'node other': [10.6] },
      ...{ 'tsc default': [10], 'tsc other': [9] },
    });
    expect(checkTargets(all, results)).toMatchObject([
      { isReached: false, measured: 'numpy 4 % more, node 6 % more, tsc 10 % less' },
    ]);
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { Measurement } from '../measure.ts';
import { committedRatios, confirmWorse, ratiosOf, worseRatios } from './ratios.ts';

const run = (cpu: number): Measurement => ({ cpu, wall: cpu, memory: 0, temporaryDisk: 0 });

describe('ratiosOf', () => {
  const comparison = {
    title: '',
    names: ['ours', 'a', 'b'],
    rounds: [
      [run(3), run(1), run(2)],
      [run(4), run(1), run(1)],
    ],
  };

  it('divides by the sum of several programs, in each round', () => {
    const ratios = ratiosOf(comparison, [{ name: 'ours / (a + b)', of: 'ours', by: ['a', 'b'] }]);
    expect(ratios.get('ours / (a + b)')).toEqual({ median: 1.5, min: 1, max: 2 });
  });

  it('leaves out a ratio to a program that is not installed', () => {
    expect(ratiosOf(comparison, [{ name: 'ours / igzip', of: 'ours', by: ['igzip'] }]).size).toBe(0);
  });
});

describe('worseRatios', () => {
  it('finds ratios that are more than 10 % larger', () => {
    expect(worseRatios({ a: 1.11, b: 1.09, c: 0.5 }, { a: 1, b: 1, c: 1 })).toEqual(['a']);
  });

  it('ignores a ratio that is not committed yet', () => {
    expect(worseRatios({ added: 9 }, {})).toEqual([]);
  });
});

describe('confirmWorse', () => {
  const measuring = (...ratios: readonly number[]) => {
    const measure = vi.fn(async () => ({ a: 1 }));
    for (const a of ratios) measure.mockResolvedValueOnce({ a });
    return measure;
  };

  it('needs one run if nothing is worse', async () => {
    const measure = measuring(1);
    expect(await confirmWorse(measure, { a: 1 })).toEqual([]);
    expect(measure).toHaveBeenCalledTimes(1);
  });

  it('finds a ratio that is worse in three runs', async () => {
    const measure = measuring(1.2, 1.2, 1.2);
    expect(await confirmWorse(measure, { a: 1 })).toEqual(['a']);
    expect(measure).toHaveBeenCalledTimes(3);
  });

  it('stops after a run without a worse ratio', async () => {
    const measure = measuring(1.2, 1.05);
    expect(await confirmWorse(measure, { a: 1 })).toEqual([]);
    expect(measure).toHaveBeenCalledTimes(2);
  });
});

describe('committedRatios', () => {
  const figures = { layer: '', processors: { one: { a: 1, b: 3 }, two: { a: 2 } } };

  it('are those of the processor', () => {
    expect(committedRatios(figures, 'two')).toEqual({ a: 2 });
  });

  it('are the worst ones for an unknown processor', () => {
    expect(committedRatios(figures, 'three')).toEqual({ a: 2, b: 3 });
  });
});

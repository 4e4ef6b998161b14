import { describe, expect, test } from 'vitest';
import { ThroughputMeter } from './throughput-meter.ts';

const MIB = 1 << 20;
const NOTHING = new Array(128).fill(undefined);

/** Takes 8 MiB in as 128 chunks, each waited for and then worked on for so many milliseconds. */
function take(wait: ThroughputMeter, start: number, waited: number, worked: number) {
  let now = start;
  const answers: (number | undefined)[] = [];
  for (let index = 0; index < 128; index += 1) {
    now += worked + waited;
    answers.push(wait.add(MIB / 16, now - waited, now));
  }
  return { answers, end: now };
}

describe('ThroughputMeter', () => {
  test('tells once in 8 MiB how fast a network is that the receiver waits for', () => {
    const { answers } = take(new ThroughputMeter(1000), 1000, 2, 0.5);
    expect(answers.findIndex((rate) => rate !== undefined)).toBe(127);
    expect(answers[127]).toBeCloseTo((8 * MIB) / (128 * 2.5));
  });

  test('says nothing where the receiver is the slower one', () => {
    expect(take(new ThroughputMeter(1000), 1000, 1, 1.5).answers).toEqual(NOTHING);
  });

  test('says nothing where one connection is fast enough', () => {
    const milliseconds = MIB / 16 / 110_000;
    expect(take(new ThroughputMeter(0), 0, milliseconds, 0).answers).toEqual(NOTHING);
  });

  test('judges each few MiB anew', () => {
    const wait = new ThroughputMeter(0);
    const { end } = take(wait, 0, 0.1, 3);
    expect(take(wait, end, 3, 0.1).answers.at(-1)).toBeGreaterThan(0);
  });

  test('takes no hiccup of a fast network for a slow one', () => {
    const wait = new ThroughputMeter(0);
    let end = 0;
    for (let windows = 0; windows < 10; windows += 1) ({ end } = take(wait, end, 0.2, 0));
    expect(take(wait, end, 2, 0).answers).toEqual(NOTHING);
  });
});

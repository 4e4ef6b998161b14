import { describe, expect, test } from 'vitest';
import { ThroughputMeter } from './throughput-meter.ts';

const MIB = 1 << 20;
const NOTHING = new Array(128).fill(undefined);

/** Adds 8 MiB in 128 chunks, each with a wait and a processing time in milliseconds. */
function addWindow(meter: ThroughputMeter, start: number, waited: number, worked: number) {
  let now = start;
  const rates: (number | undefined)[] = [];
  for (let index = 0; index < 128; index += 1) {
    now += worked + waited;
    rates.push(meter.add(MIB / 16, now - waited, now));
  }
  return { rates, end: now };
}

describe('ThroughputMeter', () => {
  test('returns the rate at the end of a window of 8 MiB if the consumer is network-bound', () => {
    const { rates } = addWindow(new ThroughputMeter(1000), 1000, 2, 0.5);
    expect(rates.findIndex((rate) => rate !== undefined)).toBe(127);
    expect(rates[127]).toBeCloseTo((8 * MIB) / (128 * 2.5));
  });

  test('returns undefined if the consumer is slower than the network', () => {
    expect(addWindow(new ThroughputMeter(1000), 1000, 1, 1.5).rates).toEqual(NOTHING);
  });

  test('returns undefined if one connection is fast enough', () => {
    const milliseconds = MIB / 16 / 110_000;
    expect(addWindow(new ThroughputMeter(0), 0, milliseconds, 0).rates).toEqual(NOTHING);
  });

  test('measures each window separately', () => {
    const meter = new ThroughputMeter(0);
    const { end } = addWindow(meter, 0, 0.1, 3);
    expect(addWindow(meter, end, 3, 0.1).rates.at(-1)).toBeGreaterThan(0);
  });

  test('ignores a short interruption of a fast network', () => {
    const meter = new ThroughputMeter(0);
    let end = 0;
    for (let windows = 0; windows < 10; windows += 1) ({ end } = addWindow(meter, end, 0.2, 0));
    expect(addWindow(meter, end, 2, 0).rates).toEqual(NOTHING);
  });
});

import { describe, expect, test } from 'vitest';
import { NetworkWait } from './network-wait.ts';

const MIB = 1 << 20;

/** Takes 4 MiB in as 64 chunks, each waited for and then worked on for so many milliseconds. */
function take(wait: NetworkWait, start: number, waited: number, worked: number): { answers: boolean[]; end: number } {
  let now = start;
  const answers: boolean[] = [];
  for (let index = 0; index < 64; index += 1) {
    now += worked + waited;
    answers.push(wait.add(MIB / 16, now - waited, now));
  }
  return { answers, end: now };
}

describe('NetworkWait', () => {
  test('tells once in 4 MiB that the receiver waits most of the time', () => {
    const { answers } = take(new NetworkWait(1000), 1000, 2, 0.5);
    expect(answers.indexOf(true)).toBe(63);
  });

  test('says nothing where the receiver is the slower one', () => {
    expect(take(new NetworkWait(1000), 1000, 1, 1.5).answers).not.toContain(true);
  });

  test('says nothing where one connection is fast enough', () => {
    const milliseconds = MIB / 16 / 250_000;
    expect(take(new NetworkWait(0), 0, milliseconds, 0).answers).not.toContain(true);
  });

  test('judges each few MiB anew', () => {
    const wait = new NetworkWait(0);
    const { end } = take(wait, 0, 0.1, 3);
    expect(take(wait, end, 3, 0.1).answers).toContain(true);
  });
});

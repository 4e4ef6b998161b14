import { type Command, type Measurement, measure } from './measure.ts';

/** One of those that are measured against each other. */
export interface Contestant {
  readonly name: string;
  readonly command: Command;
  /** Undoes what a run leaves behind, before each run. */
  readonly prepare?: () => void;
}

/** Measurements of each contestant, one a round. */
export interface Contest {
  readonly title: string;
  readonly names: readonly string[];
  readonly rounds: readonly (readonly Measurement[])[];
}

/**
 * Lets all run in turn, round by round: what else the machine does in a minute then falls on all of them. The first round
 * is not counted: it fills the file cache.
 */
export async function holdContest(title: string, contestants: readonly Contestant[], rounds: number): Promise<Contest> {
  const measured: Measurement[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const results: Measurement[] = [];
    for (const { name, command, prepare } of contestants) {
      prepare?.();
      const result = await measure(command);
      process.stderr.write(
        `${title}, round ${round} of ${rounds}: ${name} ${result.cpu.toFixed(2)} s CPU, ${result.wall.toFixed(2)} s\n`,
      );
      results.push(result);
    }
    if (round > 0) measured.push(results);
  }
  return { title, names: contestants.map(({ name }) => name), rounds: measured };
}

/** Middle, least and greatest of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One contestant's measure over the rounds. */
export function spreadOf(contest: Contest, name: string, value: (measurement: Measurement) => number): Spread {
  const at = indexOf(contest, name);
  return spread(contest.rounds.map((round) => value(round[at] as Measurement)));
}

/** How many times as much `name` took as `other`, round by round. */
export function ratioOf(
  contest: Contest,
  name: string,
  other: string,
  value: (measurement: Measurement) => number,
): Spread {
  const [above, below] = [indexOf(contest, name), indexOf(contest, other)];
  return spread(contest.rounds.map((round) => value(round[above] as Measurement) / value(round[below] as Measurement)));
}

function indexOf({ names, title }: Contest, name: string): number {
  const at = names.indexOf(name);
  if (at < 0) throw new Error(`${name} takes no part in "${title}"`);
  return at;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

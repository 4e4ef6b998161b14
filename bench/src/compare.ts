import { type Command, type Measurement, measure, outputOf } from './measure.ts';

/** A program to compare with others. */
export interface Candidate {
  readonly name: string;
  readonly command: Command;
}

/** Measurements of each candidate in each round. */
export interface Comparison {
  readonly title: string;
  readonly names: readonly string[];
  readonly rounds: readonly (readonly Measurement[])[];
}

/**
 * Runs the candidates alternately, so that other load on the machine affects all of them. The first round fills the file
 * cache and is not counted.
 *
 * @param prepare - Removes the results of a run; called before each run and at the end.
 */
export async function compare(
  title: string,
  candidates: readonly Candidate[],
  rounds: number,
  prepare: () => void = () => {},
): Promise<Comparison> {
  const measured: Measurement[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const results: Measurement[] = [];
    for (const { name, command } of candidates) {
      prepare();
      const result = await measure(command);
      process.stderr.write(
        `${title}, round ${round} of ${rounds}: ${name} ${result.cpu.toFixed(2)} s CPU, ${result.wall.toFixed(2)} s\n`,
      );
      results.push(result);
    }
    if (round > 0) measured.push(results);
  }
  prepare();
  return { title, names: candidates.map(({ name }) => name), rounds: measured };
}

/** Median, minimum and maximum of a list of numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Returns the spread of one value of a candidate over the rounds. */
export function spreadOf(comparison: Comparison, name: string, value: (measurement: Measurement) => number): Spread {
  const index = indexOf(comparison, name);
  return spread(comparison.rounds.map((round) => value(round[index] as Measurement)));
}

/** Returns the spread of the ratio of `name` to `other`, computed in each round. */
export function ratioOf(
  comparison: Comparison,
  name: string,
  other: string,
  value: (measurement: Measurement) => number,
): Spread {
  const [numerator, denominator] = [indexOf(comparison, name), indexOf(comparison, other)];
  return spread(
    comparison.rounds.map((round) => value(round[numerator] as Measurement) / value(round[denominator] as Measurement)),
  );
}

function indexOf({ names, title }: Comparison, name: string): number {
  const index = names.indexOf(name);
  if (index < 0) throw new Error(`"${title}" has no candidate "${name}"`);
  return index;
}

/** Returns the median, minimum and maximum of numbers. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** JSON output of the commands: a zTOC, an image's `root`, or a list of roots. */
interface Output {
  readonly digest?: string;
  readonly root?: { readonly digest: string };
}

/**
 * Checks that two programs do the same work: both must print the same digest.
 *
 * @param prepare - Called before each run.
 * @throws {Error} If the digests differ.
 */
export function checkSameDigest(ours: Command, reference: Command, prepare: () => void = () => {}): void {
  const [ourDigest, referenceDigest] = [ours, reference].map((command) => {
    prepare();
    return parseDigest(outputOf(command));
  });
  if (ourDigest !== undefined && ourDigest === referenceDigest) return;
  throw new Error(`the digests differ: soci-index printed ${ourDigest}, the reference ${referenceDigest}`);
}

function parseDigest(text: string): string | undefined {
  const output = JSON.parse(text) as Output | readonly Output[];
  const [first] = Array.isArray(output) ? (output as readonly Output[]) : [output as Output];
  return first?.root?.digest ?? first?.digest;
}

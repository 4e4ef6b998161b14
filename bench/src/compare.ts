import { type Command, type Measurement, measure, outputOf } from './measure.ts';

/** One of those that are measured against each other. */
export interface Candidate {
  readonly name: string;
  readonly command: Command;
}

/** Measurements of each candidate, one a round. */
export interface Comparison {
  readonly title: string;
  readonly names: readonly string[];
  readonly rounds: readonly (readonly Measurement[])[];
}

/**
 * Lets all run in turn, round by round: what else the machine does in a minute then falls on all of them. The first round
 * is not counted: it fills the file cache.
 *
 * @param prepare - Undoes what a run leaves behind; called before each, and at the end.
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

/** Middle, least and greatest of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One candidate's measure over the rounds. */
export function spreadOf(comparison: Comparison, name: string, value: (measurement: Measurement) => number): Spread {
  const at = indexOf(comparison, name);
  return spread(comparison.rounds.map((round) => value(round[at] as Measurement)));
}

/** How many times as much `name` took as `other`, round by round. */
export function ratioOf(
  comparison: Comparison,
  name: string,
  other: string,
  value: (measurement: Measurement) => number,
): Spread {
  const [above, below] = [indexOf(comparison, name), indexOf(comparison, other)];
  return spread(
    comparison.rounds.map((round) => value(round[above] as Measurement) / value(round[below] as Measurement)),
  );
}

function indexOf({ names, title }: Comparison, name: string): number {
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

/** What the commands print as JSON: a zTOC, an image's `root`, or a list of roots. */
interface Printed {
  readonly digest?: string;
  readonly root?: { readonly digest: string };
}

/**
 * Proves, before two programs are timed, that they do the same work: both print the same digest.
 * @param prepare Called before each.
 * @throws {Error} When they do not.
 */
export function checkSameDigest(ours: Command, reference: Command, prepare: () => void = () => {}): void {
  const [ourDigest, itsDigest] = [ours, reference].map((command) => {
    prepare();
    return printedDigest(outputOf(command));
  });
  if (ourDigest !== undefined && ourDigest === itsDigest) return;
  throw new Error(`the results differ: ours ${ourDigest}, the reference's ${itsDigest}`);
}

function printedDigest(text: string): string | undefined {
  const printed = JSON.parse(text) as Printed | readonly Printed[];
  const [first] = Array.isArray(printed) ? (printed as readonly Printed[]) : [printed as Printed];
  return first?.root?.digest ?? first?.digest;
}

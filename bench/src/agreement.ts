import { type Command, outputOf } from './measure.ts';

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
export function checkAgreement(ours: Command, reference: Command, prepare: () => void = () => {}): void {
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

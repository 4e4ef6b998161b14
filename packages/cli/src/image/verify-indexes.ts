import { type Problem, type VerifyReport, verifySociIndex } from '@soci/index';
import { type CallOptions, type Descriptor, type Fetcher, formatPlatform } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { countOf, formatBytes, formatCount, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';
import { showProofProgress } from './index-progress.ts';

/** How indexes are read back. */
export interface VerificationOptions {
  /** Files to read back in each layer; all where it is undefined. */
  readonly sample?: number | undefined;
  /** Chooses the sample. @default 0 */
  readonly seed?: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Bytes of the layers that will be read, for the progress. */
  readonly totalSize: number;
}

/** What reading back has shown, over all that was read. */
export type Verification = Pick<VerifyReport, 'outcome' | 'indexes' | 'layers' | 'problems'>;

/** Reads files back through SOCI indexes and compares them with their layers. */
export async function verifyIndexes(
  store: Fetcher,
  targets: readonly Descriptor[],
  { sample, seed, signal, progress, totalSize }: VerificationOptions,
): Promise<Verification> {
  const call: CallOptions = { signal };
  const chosen = { ...(sample === undefined ? {} : { sample }), ...(seed === undefined ? {} : { seed }) };
  const reports: VerifyReport[] = [];
  const onProgress = showProofProgress(progress, totalSize);
  for (const target of targets) {
    reports.push(await verifySociIndex(store, target, { ...call, ...chosen, onProgress }));
  }
  return {
    outcome: reports.every(({ outcome }) => outcome === 'valid') ? 'valid' : 'invalid',
    indexes: reports.flatMap(({ indexes }) => indexes),
    layers: reports.flatMap(({ layers }) => layers),
    problems: reports.flatMap(({ problems }) => problems),
  };
}

/** Everything that is wrong, wherever it was found. */
function allProblems({ indexes, layers, problems }: Verification): readonly Problem[] {
  return [...problems, ...indexes.flatMap((index) => index.problems), ...layers.flatMap((layer) => layer.problems)];
}

/** A {@link Verification} as JSON has it. */
export interface JsonVerification {
  readonly valid: boolean;
  readonly indexes: readonly object[];
  readonly layers: readonly object[];
  readonly problems: readonly Problem[];
}

/** What `verify --json` prints; docs/cli.md says what each field means. */
export function verificationAsJson({ outcome, indexes, layers, problems }: Verification): JsonVerification {
  return {
    valid: outcome === 'valid',
    indexes: indexes.map(({ index, version, platform, manifest, ...rest }) => ({
      index,
      version,
      ...(platform && { platform }),
      ...(manifest && { manifest }),
      problems: rest.problems,
    })),
    layers: layers.map(({ layer, size, ztoc, files, filesRead, spans, spansRead, ...rest }) => ({
      layer,
      layerSize: size,
      ztoc: ztoc.digest,
      files,
      filesRead,
      spans,
      spansRead,
      problems: rest.problems,
    })),
    problems,
  };
}

/** Prints which SOCI indexes were read back. */
export async function printIndexes({ indexes }: Verification, output: Output): Promise<void> {
  for (const { index, version, platform } of indexes) {
    const where = platform ? ` for ${printable(formatPlatform(platform))}` : '';
    await output.writeLine(`${output.style.bold(`SOCI index v${version}`)}${where}  ${index.digest}`);
  }
}

/** Prints what reading back has shown, for people. */
export async function printVerification(verification: Verification, output: Output): Promise<void> {
  const { layers, outcome } = verification;
  const { green, red } = output.style;
  if (!output.quiet) {
    await output.writeTable(
      [
        { title: 'LAYER' },
        { title: 'SIZE', align: 'right' },
        { title: 'FILES READ', align: 'right' },
        { title: 'SPANS READ', align: 'right' },
        { title: 'RESULT', flexible: true },
      ],
      layers.map(({ layer, size, filesRead, spansRead, spans, problems }) => [
        shortDigest(layer),
        formatBytes(size),
        formatCount(filesRead),
        `${formatCount(spansRead)} of ${formatCount(spans)}`,
        problems.length === 0 ? 'right' : countOf(problems.length, 'problem'),
      ]),
    );
    await output.writeLine();
  }
  for (const { code, message } of allProblems(verification))
    await output.writeLine(`${red(code)}  ${printable(message)}`);
  if (!output.quiet)
    await output.writeLine(
      outcome === 'valid' ? green('Everything reads back right.') : red('The index is not right.'),
    );
}

/** How much was read back. */
export function countRead({ layers }: Verification): { readonly filesRead: number; readonly spansRead: number } {
  return {
    filesRead: layers.reduce((sum, { filesRead }) => sum + filesRead, 0),
    spansRead: layers.reduce((sum, { spansRead }) => sum + spansRead, 0),
  };
}

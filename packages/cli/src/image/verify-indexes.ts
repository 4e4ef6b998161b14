import { type VerifyReport, verifySociIndex } from '@soci/index';
import { type Descriptor, type Fetcher, formatPlatform } from '@soci/oci';
import { defined } from '../command/option.ts';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { countOf, formatBytes, formatCount, shortDigest } from '../terminal/quantity.ts';
import { numbers } from '../terminal/table.ts';
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
  const options = defined({ sample, seed, signal, onProgress: showProofProgress(progress, totalSize) });
  const reports: VerifyReport[] = [];
  for (const target of targets) reports.push(await verifySociIndex(store, target, options));
  return {
    outcome: reports.every(({ outcome }) => outcome === 'valid') ? 'valid' : 'invalid',
    indexes: reports.flatMap(({ indexes }) => indexes),
    layers: reports.flatMap(({ layers }) => layers),
    problems: reports.flatMap(({ problems }) => problems),
  };
}

/** What `verify --json` prints; docs/cli.md says what each field means. */
export function verificationAsJson({ outcome, indexes, layers, problems }: Verification) {
  return {
    valid: outcome === 'valid',
    indexes: indexes.map(({ index, version, platform, manifest, problems: found }) => ({
      index,
      version,
      ...(platform && { platform }),
      ...(manifest && { manifest }),
      problems: found,
    })),
    layers: layers.map(({ layer, size: layerSize, ztoc, files, filesRead, spans, spansRead, problems: found }) => {
      return { layer, layerSize, ztoc: ztoc.digest, files, filesRead, spans, spansRead, problems: found };
    }),
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
export async function printVerification(
  { outcome, indexes, layers, problems }: Verification,
  output: Output,
): Promise<void> {
  const { green, red } = output.style;
  if (!output.quiet) {
    await output.writeTable(
      [{ title: 'LAYER' }, ...numbers('SIZE', 'FILES READ', 'SPANS READ'), { title: 'RESULT', flexible: true }],
      layers.map(({ layer, size, filesRead, spansRead, spans, problems: found }) => [
        shortDigest(layer),
        formatBytes(size),
        formatCount(filesRead),
        `${formatCount(spansRead)} of ${formatCount(spans)}`,
        found.length === 0 ? 'right' : countOf(found.length, 'problem'),
      ]),
    );
    await output.writeLine();
  }
  const found = [problems, ...[...indexes, ...layers].map((report) => report.problems)].flat();
  for (const { code, message } of found) await output.writeLine(`${red(code)}  ${printable(message)}`);
  const judgement = outcome === 'valid' ? green('Everything reads back right.') : red('The index is not right.');
  if (!output.quiet) await output.writeLine(judgement);
}

/** How much was read back. */
export function countRead({ layers }: Verification): { readonly filesRead: number; readonly spansRead: number } {
  return {
    filesRead: layers.reduce((sum, { filesRead }) => sum + filesRead, 0),
    spansRead: layers.reduce((sum, { spansRead }) => sum + spansRead, 0),
  };
}

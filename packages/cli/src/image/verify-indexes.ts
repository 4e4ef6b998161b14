import { type LayerWarning, type VerifyReport, verifySociIndex } from '@soci/index';
import { type Descriptor, escapeText, type Fetcher, formatPlatform } from '@soci/oci';
import { omitUndefined } from '../command/option.ts';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { formatBytes, formatCount, pluralize, shortDigest } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { showProofProgress } from './index-progress.ts';
import { printWarnings, warningsAsJson } from './print-warnings.ts';

/** Options of {@link verifyIndexes}. */
export interface VerificationOptions {
  /** Number of files to compare in each layer. @default all */
  readonly sample?: number | undefined;
  /** Random seed of the sample. @default 0 */
  readonly seed?: number | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Total size of the layers to read, in bytes, for the progress display. */
  readonly totalSize: number;
}

/** Combined result of verifying one or more indexes. */
export type Verification = Pick<VerifyReport, 'outcome' | 'indexes' | 'layers' | 'problems'>;

/** Verifies SOCI indexes against the layers of their images. */
export async function verifyIndexes(
  store: Fetcher,
  targets: readonly Descriptor[],
  { sample, seed, signal, progress, totalSize }: VerificationOptions,
): Promise<Verification> {
  const options = omitUndefined({ sample, seed, signal, onProgress: showProofProgress(progress, totalSize) });
  const reports: VerifyReport[] = [];
  for (const target of targets) reports.push(await verifySociIndex(store, target, options));
  return {
    outcome: reports.every(({ outcome }) => outcome === 'valid') ? 'valid' : 'invalid',
    indexes: reports.flatMap(({ indexes }) => indexes),
    layers: reports.flatMap(({ layers }) => layers),
    problems: reports.flatMap(({ problems }) => problems),
  };
}

/** Returns what `verify --json` prints. docs/cli.md documents the fields. */
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
    layers: layers.map((report) => {
      const { layer, size: layerSize, ztoc, files, filesRead, spans, spansRead, problems: found } = report;
      const common = { layer, layerSize, ztoc: ztoc.digest, files, filesRead, spans, spansRead, problems: found };
      return { ...common, ...warningsAsJson(report.warnings) };
    }),
    problems,
  };
}

/** Prints a line for each SOCI index. */
export async function printIndexes({ indexes }: Verification, output: Output): Promise<void> {
  for (const { index, version, platform } of indexes) {
    const target = platform ? ` for ${printable(formatPlatform(platform))}` : '';
    await output.writeLine(`${output.style.bold(`SOCI index v${version}`)}${target}  ${index.digest}`);
  }
}

/** Prints the result of a verification for users. */
export async function printVerification(
  { outcome, indexes, layers, problems }: Verification,
  output: Output,
): Promise<void> {
  const { green, red } = output.style;
  if (!output.quiet) {
    await output.writeTable(
      [{ title: 'LAYER' }, ...numberColumns('SIZE', 'FILES READ', 'SPANS READ'), { title: 'RESULT', flexible: true }],
      layers.map(({ layer, size, filesRead, spansRead, spans, problems: found, warnings }) => [
        shortDigest(layer),
        formatBytes(size),
        formatCount(filesRead),
        `${formatCount(spansRead)} of ${formatCount(spans)}`,
        describeResult(found.length, warnings.filter(isAboutContent).length),
      ]),
    );
    await output.writeLine();
  }
  const found = [problems, ...[...indexes, ...layers].map((report) => report.problems)].flat();
  for (const { code, message } of found) await output.writeLine(`${red(code)}  ${escapeText(message)}`);
  const summary = outcome === 'valid' ? green('Verification passed.') : red('Verification failed.');
  if (!output.quiet) await output.writeLine(summary);
  const right = layers.filter((layer) => layer.problems.length === 0);
  const warned = right.map(({ layer, warnings }) => ({ layer, warnings: warnings.filter(isAboutContent) }));
  printWarnings(warned, output, ({ message }) => `reads back right, but ${message}`);
}

/** Returns whether a warning is about what the runtime shows. `inspect` reports the size of zTOCs. */
function isAboutContent({ effect }: LayerWarning): boolean {
  return effect !== 'slow-start';
}

function describeResult(problems: number, warnings: number): string {
  if (problems > 0) return pluralize(problems, 'problem');
  return warnings > 0 ? `ok, ${pluralize(warnings, 'warning')}` : 'ok';
}

/** Returns how many files and spans were read, over all layers. */
export function countRead({ layers }: Verification): { readonly filesRead: number; readonly spansRead: number } {
  return {
    filesRead: layers.reduce((sum, { filesRead }) => sum + filesRead, 0),
    spansRead: layers.reduce((sum, { spansRead }) => sum + spansRead, 0),
  };
}

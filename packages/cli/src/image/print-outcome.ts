import type { BuiltIndexes, NothingToIndex } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Output } from '../terminal/output.ts';
import { countOf, formatSeconds } from '../terminal/quantity.ts';
import type { CurrentIndexes } from './index-into.ts';
import { noteMissingFiles, printIndexReport, reportAsJson } from './index-report.ts';
import { countRead, type Verification } from './verify-indexes.ts';

/** What the commands that index an image say at the end. */
export interface OutcomeReport {
  readonly result: BuiltIndexes | NothingToIndex | CurrentIndexes;
  /** Where the image was, and where the result is, as the command line has them. */
  readonly source: string;
  readonly destination: string;
  /** The descriptors to tell of: of a converted image its root, else the SOCI indexes. */
  readonly made: readonly Descriptor[];
  /** The same under their names in `--json`. */
  readonly json: object;
  /** What `--verify` has shown. */
  readonly verification: Verification | undefined;
  readonly seconds: number;
  readonly minLayerSize: number;
}

/** Prints what was made, or why nothing was. */
export async function printOutcome(report: OutcomeReport, output: Output): Promise<ExitCode> {
  const { result, source, destination, made, json, verification, minLayerSize } = report;
  const seconds = Number(report.seconds.toFixed(3));
  if (result.outcome === 'nothing-to-index') {
    const { outcome, reason } = result;
    if (output.json) await output.writeJson({ source, outcome, reason, ...reportAsJson(result), seconds });
    else await printNothing(result, output, minLayerSize);
    return EXIT.NOTHING;
  }
  if (output.json) {
    await output.writeJson({
      source,
      destination,
      outcome: result.outcome,
      ...json,
      ...(result.outcome === 'indexed' && reportAsJson(result)),
      ...(verification && { verified: countRead(verification) }),
      seconds,
    });
  } else if (output.quiet) {
    for (const { digest } of made) await output.writeLine(digest);
  } else {
    if (result.outcome === 'indexed') {
      await printIndexReport(result, output, minLayerSize);
      await output.writeLine();
    }
    for (const { digest } of made) await output.writeLine(`${output.style.bold(destination)}  ${digest}`);
    await output.writeLine(`${summarize(result)} in ${formatSeconds(report.seconds)}.`);
    if (verification) {
      const { filesRead, spansRead } = countRead(verification);
      await output.writeLine(
        `${countOf(filesRead, 'file')} read back through ${countOf(spansRead, 'span')}: all right.`,
      );
    }
    if (result.outcome === 'indexed') await noteMissingFiles(result.platforms, output);
  }
  return EXIT.DONE;
}

async function printNothing(result: NothingToIndex, output: Output, minLayerSize: number): Promise<void> {
  if (output.quiet) return;
  await printIndexReport(result, output, minLayerSize);
  if (result.reason === 'no-platform') {
    await output.writeLine('Nothing to index: this is no image that runs anywhere.');
    return;
  }
  await output.writeLine();
  await output.writeLine('Nothing to index, and nothing written: no layer qualifies.');
  const tooSmall = result.layers.some(
    (layer) => layer.outcome === 'skipped' && layer.reason === 'smaller-than-min-layer-size',
  );
  if (tooSmall) await output.writeLine('With --min-layer-size 0 small layers are indexed too; it seldom pays.');
}

function summarize(result: BuiltIndexes | CurrentIndexes): string {
  if (result.outcome === 'current') return 'Current: made of this image with these settings before; recognized';
  const { indexes, layers } = result;
  const indexed = layers.filter((layer) => layer.outcome === 'indexed');
  const reused = indexed.filter((layer) => layer.origin === 'reused').length;
  const platforms = indexes.length > 1 ? ` for ${countOf(indexes.length, 'platform')}` : '';
  const taken = reused > 0 ? `, ${reused} of them by zTOCs that were there` : '';
  return `${indexed.length} of ${countOf(layers.length, 'layer')} indexed${platforms}${taken}`;
}

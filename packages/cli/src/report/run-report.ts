import {
  analyzeImage,
  DEFAULT_MIN_LAYER_SIZE,
  findStoredProfile,
  SociIndexError,
  type StartProfile,
} from '@soci/index';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { omitUndefined } from '../command/option.ts';
import { CliError, usageError } from '../errors.ts';
import { checkFileWritable, writeFile } from '../files/write-file.ts';
import { readProfileFile } from '../image/index-options.ts';
import { showIndexProgress } from '../image/index-progress.ts';
import { type OpenImage, withImageStores } from '../transports/image-stores.ts';
import { parseLocation } from '../transports/location.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { assess, SPAN_SIZES } from './assessment.ts';
import { printReport } from './print-report.ts';
import { type Report, reportAsJson } from './report.ts';
import type { REPORT_OPTIONS } from './report-options.ts';
import { convertCommand, describeVerdict, type ProfileSource } from './verdict.ts';

/** Network that a report assumes: see docs/cli.md. Bits per second, and seconds. */
const DEFAULT_NETWORK = { bandwidth: 1e9, latency: 0.01 };

/** Runs `report`: analyses an image and prints whether an index is worth it. */
export async function runReport(
  { operands: [source = ''], options }: CommandArguments<typeof REPORT_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const page = options.html;
  if (page !== undefined) await checkFileWritable(page);
  const given = options.profile === undefined ? undefined : await readProfileFile(options.profile, signal);
  const location = parseLocation(source);
  const access = await toRegistryAccess(options, [location], context);
  const minLayerSize = options['min-layer-size'] ?? DEFAULT_MIN_LAYER_SIZE;
  const { bandwidth = DEFAULT_NETWORK.bandwidth, latency = DEFAULT_NETWORK.latency } = options;
  const progress = output.openProgress();
  const analyze = () =>
    withImageStores(access, context, async (stores) => {
      const image = await stores.openImage(location);
      const profile = given ?? (options['use-stored-profile'] ? await readStored(image, source, signal) : undefined);
      return analyzeImage(image.store, image.root, {
        spanSizes: SPAN_SIZES,
        minLayerSize,
        signal,
        onProgress: showIndexProgress(progress, source),
        ...(options.recompress && { recompress: ['zstd'] }),
        ...omitUndefined({ platform: options.platform, profile, jobs: options.jobs }),
      });
    });
  const analysis = await analyze()
    .catch((error: unknown) => {
      throw toCliError(error);
    })
    .finally(() => progress.close());
  const assessment = assess(analysis, { bandwidth, latency }, minLayerSize);
  const profile = profileSource(options);
  if (assessment.settings.length > 0 && analysis.filesFound === 0) throw nothingFound(source, analysis, profile);
  const { best, standard, isWorthIt } = assessment;
  // An image that is indexed already gains only from other settings than the default.
  const isIndexed = analysis.sociIndex !== undefined;
  const settings = isWorthIt ? [...new Set([best, standard])].filter((setting) => setting !== undefined) : [];
  const proposed = settings.filter((setting) => !isIndexed || setting !== standard);
  const report: Report = {
    source,
    profile,
    assessment,
    verdict: describeVerdict(assessment),
    choices: proposed.map((setting) => ({
      setting,
      command: convertCommand(setting, source, profile, { minLayerSize, recompresses: options.recompress }),
    })),
  };
  if (page !== undefined) {
    // Loaded only if needed.
    const { reportAsHtml } = await import('./html/page.ts');
    await writeFile(page, () => [Buffer.from(reportAsHtml(report))]);
  }
  if (output.json) await output.writeJson({ ...reportAsJson(report), ...(page !== undefined && { html: page }) });
  else if (output.quiet) await output.writeLine(report.verdict);
  else await printReport(report, output);
  if (page !== undefined) await output.note(`wrote ${page}`);
  if (analysis.reachedLimits.length > 0) {
    output.warn(`the prediction stopped at its limits, files are missing: ${analysis.reachedLimits.join(', ')}`);
  }
  return isWorthIt ? EXIT.SUCCESS : EXIT.NOTHING_TO_INDEX;
}

async function readStored({ store }: OpenImage, source: string, signal: AbortSignal): Promise<StartProfile> {
  const stored = await findStoredProfile(store, { signal });
  if (stored !== undefined) return stored.profile;
  throw new CliError('PROFILE_NOT_FOUND', `no profile is stored with ${source}`, {
    remedy: 'Store one with "soci-index profile push", or leave out --use-stored-profile.',
  });
}

function profileSource(options: CommandArguments<typeof REPORT_OPTIONS>['options']): ProfileSource {
  if (options.profile !== undefined) return { file: options.profile };
  return options['use-stored-profile'] ? 'stored' : 'predicted';
}

/** Returns the error for an image in which no file of the start was found: its start cannot be estimated. */
function nothingFound(
  source: string,
  { command, files }: { readonly command: readonly string[]; readonly files: number },
  profile: ProfileSource,
): CliError {
  if (profile !== 'predicted') {
    return new CliError('SOURCE_INVALID', `${source} has none of the ${files} files of the profile`, {
      remedy: 'Use a profile of this image, or leave out the profile.',
    });
  }
  const problem =
    command[0] === undefined
      ? 'the image has no Entrypoint and no Cmd'
      : 'its program is not in a layer that can be read';
  return new CliError('NOTHING_PREDICTED', `cannot predict the start of ${source}: ${problem}`, {
    remedy: 'Record a start with "soci-index profile record", and add --profile FILE.',
  });
}

function toCliError(error: unknown): unknown {
  if (!(error instanceof SociIndexError)) return error;
  if (error.code === 'PLATFORM_AMBIGUOUS') return usageError(error.message, 'Add --platform PLATFORM.');
  if (error.code === 'PLATFORM_NOT_FOUND') return new CliError('SOURCE_INVALID', error.message, { cause: error });
  return error;
}

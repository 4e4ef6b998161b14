import { DEFAULT_MIN_LAYER_SIZE, type IndexImageResult, indexImage } from '@soci/index';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { CliError, usageError } from '../errors.ts';
import { withImageStores } from '../transports/image-stores.ts';
import {
  type DestinationLocation,
  destinationTags,
  type ImageLocation,
  nameWithTag,
  parseDestination,
  parseLocation,
  STANDARD_STREAM,
} from '../transports/location.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { checkSourceKept, checkSuffix, checkSuffixedName, isSameStore } from './check-destination.ts';
import { type CONVERT_OPTIONS, type INDEX_OPTIONS, toIndexOptions } from './index-options.ts';
import { showIndexProgress } from './index-progress.ts';
import { type IndexOutcome, printOutcome } from './print-outcome.ts';
import { checkResultFiles, writeResultFiles } from './result-files.ts';

/**
 * Runs `convert` (index version 2) or `create` (version 1): indexes the image, writes the result and everything that it
 * refers to, and prints a summary. Without a second operand, writes only the indexes, next to the image.
 */
export async function runIndexCommand(
  version: 1 | 2,
  { operands: [from = '', to], options }: CommandArguments<typeof INDEX_OPTIONS | typeof CONVERT_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const isDryRun = options['dry-run'];
  if (to !== undefined) checkSuffixedName(from, to);
  const given = to === undefined ? undefined : parseDestination(to);
  // From here on, all messages go to standard error.
  if (given?.transport === 'oci-archive' && given.path === STANDARD_STREAM && !isDryRun) context.claimStdout();
  const source = parseLocation(from, { isChanged: to === undefined });
  const destination = given ?? inPlaceDestination(source);
  const { output, signal } = context;
  const started = performance.now();
  const tags = destinationTags(destination, options.tag);
  checkSuffix(tags);
  const indexOptions = await toIndexOptions(options, signal);
  if (!isDryRun) await checkResultFiles(options);
  const access = await toRegistryAccess(options, [source, destination], context);
  const progress = output.openProgress();
  const index = () =>
    withImageStores(access, context, async (stores) => {
      const image = await stores.openSource(source);
      const isInPlace = await isSameStore(source, destination);
      if (isInPlace && !options['overwrite-source']) {
        await checkSourceKept(image, { version, source, destination, tags, signal });
      }
      const [tag, ...otherTags] = tags;
      const holdsImage = isInPlace && destination.transport !== 'oci-archive';
      const { store, commit, planned } = await stores.openDestination(destination, isDryRun);
      const result = await indexImage(
        image,
        { store, ...(tag !== undefined && { tag, otherTags }), holdsImage },
        {
          ...indexOptions,
          version,
          reindex: true,
          force: options.force,
          overwriteSource: options['overwrite-source'],
          reuse: !options['no-reuse'],
          ...(options.verify && { proof: 'read-back' }),
          signal,
          onProgress: showIndexProgress(progress, destination.text),
        },
      );
      signal.throwIfAborted();
      if (result.outcome === 'indexed') await commit();
      return {
        outcome: outcomeOf(result, source),
        planned: planned?.(),
        isPushed: destination.transport === 'registry' && !isInPlace,
      };
    });
  const { outcome, ...written } = await index().finally(() => progress.close());
  const minLayerSize = indexOptions.minLayerSize ?? DEFAULT_MIN_LAYER_SIZE;
  const seconds = (performance.now() - started) / 1000;
  const names = tags.length === 0 ? [destination.text] : tags.map((tag) => nameWithTag(destination, tag));
  const report = { outcome, ...written, source: source.text, names, tags, minLayerSize, seconds };
  if (!isDryRun) await writeResultFiles(options, report);
  const code = await printOutcome(report, output);
  return code === EXIT.NOTHING_TO_INDEX && options['allow-nothing'] ? EXIT.SUCCESS : code;
}

/** Returns the repository or layout of the image as a destination. The image keeps its tag. */
function inPlaceDestination(source: ImageLocation): DestinationLocation {
  switch (source.transport) {
    case 'registry': {
      const { host, repository } = source;
      return { ...source, tag: undefined, digest: undefined, text: `${host}/${repository}` };
    }
    case 'oci':
      return { ...source, transport: 'oci', reference: undefined, text: `oci:${source.path}` };
    default:
      throw usageError(
        `${source.text}: cannot add indexes to ${source.transport === 'dir' ? 'this directory' : 'a tar file'}`,
        'Specify DST, such as oci-archive:OTHER-FILE[:TAG].',
      );
  }
}

/**
 * Returns the results that are not failures.
 *
 * @throws CliError for a result that the command line reports as a failure.
 */
function outcomeOf(result: IndexImageResult, source: ImageLocation): IndexOutcome {
  switch (result.outcome) {
    case 'indexed':
    case 'already-indexed':
      return result;
    case 'nothing-to-index': {
      const { outcome, reason, platforms, layers } = result;
      return { outcome, reason: reason === 'no-platform' ? reason : 'no-layer-to-index', platforms, layers };
    }
    case 'skipped':
      if (result.reason !== 'tag-moved') {
        return { outcome: 'nothing-to-index', reason: 'no-platform', platforms: [], layers: [] };
      }
      throw new CliError('SOURCE_MOVED', `${source.text}: ${result.message}`, {
        remedy: 'No tag was written. Run the command again to index the new image.',
      });
    case 'refused':
      throw rejectionError(result);
  }
}

function rejectionError({
  reason,
  message,
  cause,
}: Extract<IndexImageResult, { readonly outcome: 'refused' }>): unknown {
  switch (reason) {
    case 'not-proved':
      return new CliError('VERIFY_FAILED', message, { remedy: 'Nothing was written.' });
    case 'tag-immutable':
      return cause;
    case 'tag-taken':
      return new CliError('TAG_TAKEN', message, {
        remedy: 'Choose another tag for DST, or overwrite it with --force.',
      });
    case 'tag-too-long':
      return usageError(message, 'Choose a shorter tag.');
  }
}

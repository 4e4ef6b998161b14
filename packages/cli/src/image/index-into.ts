import { DEFAULT_MIN_LAYER_SIZE, type IndexImageResult, indexImage } from '@soci/index';
import type { CommandContext, ExitCode } from '../command/command.ts';
import type { OptionValues } from '../command/option.ts';
import { CliError, usageError } from '../errors.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { destinationName, type ImageLocation } from '../transports/location.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { type INDEX_OPTIONS, toIndexOptions } from './index-options.ts';
import { showIndexProgress } from './index-progress.ts';
import { type IndexOutcome, printOutcome } from './print-outcome.ts';

/** What to index, how, and where the result goes. */
export interface IndexJob {
  readonly version: 1 | 2;
  readonly source: ImageLocation;
  readonly destination: ImageLocation;
  /** Whether only indexes are written, next to the image. */
  readonly addsToSource: boolean;
}

/** Indexes an image, writes the result with everything that it refers to, and says what came of it. */
export async function indexInto(
  { version, source, destination, addsToSource }: IndexJob,
  options: OptionValues<typeof INDEX_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const started = performance.now();
  const tag = destinationName(destination);
  const indexOptions = await toIndexOptions(options);
  const access = await toRegistryAccess(options, [source, destination], context);
  const progress = output.openProgress();
  const index = () =>
    withImageStores(access, signal, async (stores) => {
      const from = await stores.openSource(source);
      const to = await stores.openDestination(destination);
      const result = await indexImage(
        { store: from.store, reference: from.reference },
        { store: to.store, tag, holdsImage: addsToSource },
        {
          ...indexOptions,
          version,
          reindex: true,
          force: options.force,
          reuse: !options['no-reuse'],
          ...(options.verify && { proof: 'read-back' }),
          signal,
          onProgress: showIndexProgress(progress, destination.text),
        },
      );
      signal.throwIfAborted();
      if (result.outcome === 'indexed') await to.commit();
      return outcomeOf(result, source);
    });
  const outcome = await index().finally(() => progress.close());
  const minLayerSize = indexOptions.minLayerSize ?? DEFAULT_MIN_LAYER_SIZE;
  const seconds = (performance.now() - started) / 1000;
  return printOutcome({ outcome, source: source.text, destination: destination.text, minLayerSize, seconds }, output);
}

/** @throws CliError for a result that the command line reports as a failure. */
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
        remedy: 'No tag was given to what was made of the old image. Run the command again for the new one.',
      });
    case 'refused':
      throw refusal(result);
  }
}

function refusal({ reason, message, cause }: Extract<IndexImageResult, { readonly outcome: 'refused' }>): unknown {
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
      return usageError(message, 'Choose a shorter one.');
  }
}

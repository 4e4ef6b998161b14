import type { BuiltIndexes, NothingToIndex, SociIndexOptions } from '@soci/index';
import type { Descriptor, Fetcher } from '@soci/oci';
import type { CommandContext } from '../command.ts';
import { CliError } from '../errors.ts';
import { withImageStores } from '../transports/image-stores.ts';
import type { ImageLocation } from '../transports/location.ts';
import type { Holdings, ImageDestination, ImageSource, NamedRoot, RegistryAccess } from '../transports/transport.ts';
import { buildWhileTrying } from './build-while-trying.ts';
import { showLayerProgress, showTransferProgress } from './index-progress.ts';
import { overlayArtifacts } from './new-content.ts';
import { reusableZtocs } from './reusable-ztocs.ts';
import { allProblems, type Verification, type VerificationOptions, verifyIndexes } from './verify-indexes.ts';

/** What to index, how, and what to write. */
export interface IndexJob<Made extends BuiltIndexes> {
  readonly source: ImageLocation;
  readonly destination: ImageLocation;
  readonly access: RegistryAccess;
  readonly options: SociIndexOptions;
  /** Whether to look for zTOCs of unchanged layers that are in the registry already. */
  readonly reuse: boolean;
  /** Whether to build even what the destination has already. */
  readonly force: boolean;
  /** What the destination has already of what would be made; undefined where something is missing or different. */
  readonly recognize: (
    image: ImageSource,
    holdings: Holdings,
    options: SociIndexOptions,
  ) => Promise<CurrentIndexes | undefined>;
  /** Makes the index, in memory. */
  readonly build: (image: ImageSource, options: SociIndexOptions) => Promise<Made | NothingToIndex>;
  /** What proves the index, read back before anything is written; nothing is where it is undefined. */
  readonly verify: ((made: Made | CurrentIndexes) => readonly Descriptor[]) | undefined;
  /** What the destination is to list. */
  readonly roots: (made: Made, image: Descriptor) => readonly NamedRoot[];
}

/** The destination has what would be made, made of the same image with the same settings. */
export interface CurrentIndexes {
  readonly outcome: 'current';
  /** The converted image; absent where only indexes were asked for. */
  readonly root?: Descriptor;
  readonly indexes: readonly Descriptor[];
}

/** What came of an {@link IndexJob}. */
export interface IndexOutcome<Made extends BuiltIndexes> {
  readonly result: Made | NothingToIndex | CurrentIndexes;
  /** What reading back has shown, where it was asked for: nothing that is wrong. */
  readonly verification?: Verification;
  /** Wall time of all of it. */
  readonly seconds: number;
}

/**
 * Indexes an image and writes the result with everything that it refers to, or nothing where there is nothing to index.
 * The destination is opened first, so that no work is done for a place that cannot be written to, nor for one that has
 * the result already.
 */
export async function indexInto<Made extends BuiltIndexes>(
  job: IndexJob<Made>,
  { output, signal }: CommandContext,
): Promise<IndexOutcome<Made>> {
  const started = performance.now();
  const progress = output.openProgress();
  const prove = (content: Fetcher, made: Made | CurrentIndexes, totalSize: number) =>
    job.verify && proveIndexes(content, job.verify(made), { signal, progress, totalSize });
  const run = async (
    source: ImageSource,
    destination: ImageDestination,
  ): Promise<Omit<IndexOutcome<Made>, 'seconds'>> => {
    const { holdings } = destination;
    const options = { ...job.options, signal };
    const current = holdings && !job.force ? await job.recognize(source, holdings, options) : undefined;
    if (holdings && current) {
      const verification = await prove(holdings.store, current, 0);
      return { result: current, ...(verification && { verification }) };
    }
    const reuse = job.reuse ? reusableZtocs(source, holdings, { signal }) : undefined;
    const given = { ...options, onProgress: showLayerProgress(progress), ...(reuse && { reuse }) };
    const made = await buildWhileTrying(destination, given, (tried) => job.build(source, tried));
    if (made.outcome === 'nothing-to-index') return { result: made };
    const indexed = made.layers.filter((layer) => layer.outcome === 'indexed');
    const totalSize = indexed.reduce((sum, { size }) => sum + size, 0);
    const content = overlayArtifacts(made.artifacts, source.store);
    const verification = await prove(content, made, totalSize);
    await destination.deliver({
      content,
      roots: job.roots(made, source.root),
      source,
      made: new Set(made.artifacts.map(({ descriptor }) => descriptor.digest)),
      verified: new Set(indexed.filter(({ origin }) => origin === 'built').map(({ digest }) => digest)),
      signal,
      beforeNaming: () => source.checkUnmoved({ signal }),
      onBytes: showTransferProgress(progress, `writing ${job.destination.text}`),
    });
    return { result: made, ...(verification && { verification }) };
  };
  try {
    const outcome = await withImageStores(job.access, signal, async (stores) =>
      run(await stores.openSource(job.source), await stores.openDestination(job.destination)),
    );
    return { ...outcome, seconds: (performance.now() - started) / 1000 };
  } finally {
    progress.close();
  }
}

/** @throws CliError `VERIFY_FAILED` with what is wrong: an index that does not read back right is not written. */
async function proveIndexes(
  content: Fetcher,
  targets: readonly Descriptor[],
  options: VerificationOptions,
): Promise<Verification> {
  const verification = await verifyIndexes(content, targets, options);
  const [first, ...others] = allProblems(verification);
  if (first === undefined) return verification;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new CliError('VERIFY_FAILED', `the index does not read back right: ${first.message}${more}`, {
    remedy: 'Nothing was written.',
  });
}

import type { BuiltIndexes, NothingToIndex, SociIndexOptions } from '@soci/index';
import type { Descriptor, Fetcher } from '@soci/oci';
import type { CommandContext } from '../command.ts';
import { CliError } from '../errors.ts';
import { showLayerProgress } from '../layer-progress.ts';
import { formatBytes } from '../terminal/quantity.ts';
import type { ImageLocation } from '../transports/location.ts';
import { withDestination, withSource } from '../transports/open-image.ts';
import type { ImageSource, NamedRoot } from '../transports/transport.ts';
import { overlayArtifacts } from './new-content.ts';
import { allProblems, type Verification, type VerificationOptions, verifyIndexes } from './verify-indexes.ts';

/** What to index, how, and what to write. */
export interface IndexJob<Made extends BuiltIndexes> {
  readonly source: ImageLocation;
  readonly destination: ImageLocation;
  readonly options: SociIndexOptions;
  /** Makes the index, in memory. */
  readonly build: (image: ImageSource, options: SociIndexOptions) => Promise<Made | NothingToIndex>;
  /** What proves the index, read back before anything is written; nothing is where it is undefined. */
  readonly verify: ((made: Made) => readonly Descriptor[]) | undefined;
  /** What the destination is to list. */
  readonly roots: (made: Made, image: Descriptor) => readonly NamedRoot[];
}

/** What came of an {@link IndexJob}. */
export interface IndexOutcome<Made extends BuiltIndexes> {
  readonly result: Made | NothingToIndex;
  /** What reading back has shown, where it was asked for: nothing that is wrong. */
  readonly verification?: Verification;
  /** Wall time of all of it. */
  readonly seconds: number;
}

/**
 * Indexes an image and writes the result with everything that it refers to, or nothing where there is nothing to index.
 * The destination is opened first, so that no work is done for a place that cannot be written to.
 */
export async function indexInto<Made extends BuiltIndexes>(
  job: IndexJob<Made>,
  { output, signal }: CommandContext,
): Promise<IndexOutcome<Made>> {
  const started = performance.now();
  const progress = output.openProgress();
  try {
    const outcome = await withSource(job.source, (source) =>
      withDestination(job.destination, async (destination) => {
        const onProgress = showLayerProgress(progress);
        const made = await job.build(source, { ...job.options, signal, onProgress });
        if (made.outcome === 'nothing-to-index') return { result: made };
        const indexed = made.layers.filter(({ status }) => status === 'indexed');
        const totalSize = indexed.reduce((sum, { size }) => sum + size, 0);
        const content = overlayArtifacts(made.artifacts, source.store);
        const verification = job.verify && (await prove(content, job.verify(made), { signal, progress, totalSize }));
        let written = 0;
        await destination.deliver({
          content,
          roots: job.roots(made, source.root),
          source,
          verified: new Set(indexed.map(({ digest }) => digest)),
          signal,
          onBytes: (bytes) => {
            written += bytes;
            progress.update({ done: 0, total: 0, detail: `writing ${job.destination.text}  ${formatBytes(written)}` });
          },
        });
        return { result: made, ...(verification && { verification }) };
      }),
    );
    return { ...outcome, seconds: (performance.now() - started) / 1000 };
  } finally {
    progress.close();
  }
}

/** @throws CliError `VERIFY_FAILED` with what is wrong: an index that does not read back right is not written. */
async function prove(
  content: Fetcher,
  targets: readonly Descriptor[],
  options: VerificationOptions,
): Promise<Verification> {
  const verification = await verifyIndexes(content, targets, options);
  const [first, ...others] = allProblems(verification);
  if (first === undefined) return verification;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new CliError('VERIFY_FAILED', `the new index does not read back right: ${first.message}${more}`, {
    remedy: 'Nothing was written.',
  });
}

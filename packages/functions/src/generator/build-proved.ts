import {
  type BuiltIndexes,
  type IndexProgress,
  type NothingToIndex,
  type SociIndexOptions,
  spotCheckZtocs,
  type ZtocSource,
} from '@soci/index';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { FunctionError } from '../errors.ts';
import type { IndexJob } from './index-job.ts';
import type { Indexed } from './outcome.ts';

/** An index that was made, and looked at. */
export interface ProvedIndexes<Made extends BuiltIndexes> {
  readonly outcome: 'indexed';
  readonly made: Made;
  /** What there is to tell of it. */
  readonly counts: Pick<Indexed, 'layers' | 'bytesRead' | 'spansVerified'>;
}

/** Hexadecimal digits of an image's digest that choose the spans which are looked at. */
const SEED_LENGTH = 8;

/** The settings of a build that an index's bytes hang on. */
export function buildOptions(
  { minLayerSize, spanSize, compat, jobs }: GeneratorSettings,
  signal: AbortSignal,
): SociIndexOptions & { readonly signal: AbortSignal } {
  return { minLayerSize, jobs, signal, ...(spanSize !== undefined && { spanSize }), ...(compat && { compat }) };
}

/**
 * Builds an index and looks at a sample of it, in the registry, before anything is pushed. What does not hold although
 * zTOCs were taken over from others is built once more, from the layers alone.
 *
 * @throws FunctionError `INDEX_NOT_PROVED`; what `build` and the repository throw.
 */
export async function buildProved<Made extends BuiltIndexes>(
  { image, repository, settings, log, progress, signal }: IndexJob,
  build: (options: SociIndexOptions) => Promise<Made | NothingToIndex>,
  reuse: ZtocSource | undefined,
): Promise<ProvedIndexes<Made> | NothingToIndex> {
  const seed = Number.parseInt(image.digest.slice(image.digest.indexOf(':') + 1).slice(0, SEED_LENGTH), 16);
  const onProgress = (event: IndexProgress): void => {
    progress.note(event);
    if (event.type === 'layer-done' || event.type === 'layer-reused') log.debug(event.type, { ...event });
    if (event.type === 'ztoc-refused') log.warn(event.message, { layer: event.layer });
  };
  const options = { ...buildOptions(settings, signal), onProgress };
  for (const source of reuse === undefined ? [undefined] : [reuse, undefined]) {
    const made = await build({ ...options, ...(source && { reuse: source }) });
    if (made.outcome === 'nothing-to-index') return made;
    progress.enter('proving the index');
    const check = await spotCheckZtocs(repository, made, { spans: settings.verifySpans, seed, signal });
    if (check.isValid) return { outcome: 'indexed', made, counts: count(made, progress.bytesRead, check.spansRead) };
    const [first] = check.problems;
    const takenOver = made.layers.some((layer) => layer.outcome === 'indexed' && layer.origin === 'reused');
    if (source === undefined || !takenOver) {
      throw new FunctionError('INDEX_NOT_PROVED', `the index does not read back right: ${first?.message ?? ''}`);
    }
    log.warn('an index with zTOCs of earlier runs does not read back right: all layers are read', { problem: first });
  }
  throw new Error('a build without zTOCs of earlier runs is the last');
}

function count(
  { layers }: BuiltIndexes,
  bytesRead: number,
  spansVerified: number,
): Pick<Indexed, 'layers' | 'bytesRead' | 'spansVerified'> {
  const ofOrigin = (origin: 'built' | 'reused') =>
    layers.filter((layer) => layer.outcome === 'indexed' && layer.origin === origin).length;
  const skipped = layers.filter(({ outcome }) => outcome === 'skipped').length;
  return { layers: { built: ofOrigin('built'), reused: ofOrigin('reused'), skipped }, bytesRead, spansVerified };
}

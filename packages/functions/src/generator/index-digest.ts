import { setFlagsFromString } from 'node:v8';
import {
  classifyContent,
  compareWarnings,
  type ImageIndexed,
  type IndexedLayer,
  type IndexImageOptions,
  type IndexImageResult,
  indexImage,
  type LayerReport,
  type PublishProgress,
} from '@soci/index';
import { type Descriptor, layerCompression } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { Log } from '../invocation.ts';
import {
  failed,
  type IndexProfile,
  type IndexWarning,
  type Outcome,
  permanentOutcome,
  type Recompression,
  skipped,
} from './outcome.ts';
import type { JobProgress } from './progress.ts';

// By default, V8 grows the young generation to 64 MB because the entries of a zTOC survive until it is written. This does not
// make the function faster.
setFlagsFromString('--semi-space-growth-factor=1');

/** Maximum number of warnings of an outcome, which Lambda limits to 6 MB and a log line to 256 KB. */
const MAX_WARNINGS = 20;

/** Maximum number of recompressed layers in an outcome. Images have about ten layers. */
const MAX_RECOMPRESSED = 50;

/** Input of {@link indexDigest}. */
export interface IndexJob {
  /** Digest of the image's manifest or image index. */
  readonly digest: string;
  /** Tag of the image, which must still refer to it when the index is tagged. Undefined if the image has none. */
  readonly tag: string | undefined;
  /** Repository of the image and of its index. */
  readonly repository: Repository;
  readonly settings: GeneratorSettings;
  readonly log: Log;
  readonly progress: JobProgress;
  /** Aborted shortly before the timeout. */
  readonly signal: AbortSignal;
}

/**
 * Indexes the image with a digest. Returns permanent failures as outcomes.
 *
 * @throws Temporary errors, unchanged.
 */
export async function indexDigest(job: IndexJob): Promise<Outcome> {
  const { log, repository, digest, signal } = job;
  try {
    return await indexContent(job, await repository.resolve(digest, { signal }));
  } catch (error) {
    const permanent = permanentOutcome(signal.aborted ? signal.reason : error);
    if (permanent === undefined) throw error;
    log.debug('the image cannot be indexed', { error });
    return permanent;
  }
}

/** The settings that determine the bytes of an index, and how it is built. */
export function buildOptions(settings: GeneratorSettings, signal: AbortSignal) {
  const { minLayerSize, spanSize, useStoredProfile, recompress, compat, resources } = settings;
  return {
    minLayerSize,
    recompress,
    ...resources,
    signal,
    // Without a stored profile, spans have the default size: no other fixed size is valid then.
    ...(spanSize !== undefined && !useStoredProfile && { spanSize }),
    ...(compat && { compat }),
  };
}

async function indexContent(job: IndexJob, content: Descriptor): Promise<Outcome> {
  const { tag, repository, settings, signal } = job;
  const { version, outputTag: template } = settings;
  const { digest } = content;
  const isUntagged = template.needsTag && tag === undefined;
  // An index of it would be tagged v1-soci-soci.
  const isOutput = tag !== undefined && template.isOutput(tag);
  if (version === 2 && (isUntagged || isOutput)) {
    const kind = await classifyContent(repository, content, { signal });
    if (kind.outcome !== 'image') return skipped(kind.reason, kind.message);
    return isUntagged
      ? skipped('untagged', 'it has no tag, which the output tag needs')
      : skipped(
          'excluded',
          `its tag ${tag} is that of an index (${template.template}). Index an image with another tag`,
        );
  }
  const outputTag = version === 1 ? undefined : template.format({ digest, ...(tag !== undefined && { tag }) });
  let problem: string | undefined;
  const options: IndexImageOptions = {
    ...buildOptions(settings, signal),
    ...(settings.useStoredProfile && { profile: 'stored' }),
    version,
    reuse: settings.reuseLayers,
    proof: { spans: settings.verifySpans },
    onProgress: (event) => {
      if (event.type === 'profile-skipped') problem = event.error.message;
      report(job, event);
    },
  };
  const result = await indexImage(
    { store: repository, reference: content, ...(tag !== undefined && { tag }) },
    { store: repository, ...(outputTag !== undefined && { tag: outputTag }) },
    options,
  );
  return outcomeOf(result, settings, problem);
}

function report({ progress, log }: IndexJob, event: PublishProgress): void {
  progress.note(event);
  switch (event.type) {
    case 'layer-done':
    case 'layer-reused':
      log.debug(event.type, { ...event });
      break;
    case 'candidate-skipped':
      log.debug('cannot search this image for reusable zTOCs', { error: event.error });
      break;
    case 'ztoc-refused':
      log.warn(event.message, { layer: event.layer });
      break;
    case 'layer-mismatched': {
      const { layer, mediaType, format } = event;
      log.warn('a layer is skipped: its content does not match its media type', { layer, mediaType, format });
      break;
    }
    case 'profile-skipped':
      log.warn('the stored profile is not used', { problem: event.error.message });
      break;
    case 'rebuilding':
      log.warn('an index with reused zTOCs failed verification: reading all layers again', {
        problem: event.problem,
      });
      break;
  }
}

function warningsOf({ digest: layer, warnings }: IndexedLayer): IndexWarning[] {
  return warnings.map(({ code, effect, message, spanSize }) => {
    return { code, effect, layer, message, ...(spanSize !== undefined && { spanSize }) };
  });
}

function recompressionsOf({ digest: layer, size, recompressedFrom }: IndexedLayer): Recompression[] {
  return recompressedFrom === undefined ? [] : [{ layer, size, from: recompressedFrom }];
}

/** Names the setting that would index zstd layers. */
function zstdRemedy(layers: readonly LayerReport[], { version, compat, recompress }: GeneratorSettings): string {
  if (version === 1 || compat !== undefined || recompress.length > 0) return '';
  const isZstd = ({ mediaType }: LayerReport) => layerCompression(mediaType) === 'zstd';
  const has = layers.some(
    (layer) => layer.outcome === 'skipped' && layer.reason === 'unsupported-compression' && isZstd(layer),
  );
  return has ? '. Set soci_recompress to zstd to recompress zstd layers with gzip' : '';
}

/** Describes the profile that the spans follow, if they follow one or should. */
function profileOf({ profile, platforms }: ImageIndexed, problem: string | undefined): IndexProfile | undefined {
  if (profile === undefined) return undefined;
  const starts = platforms.flatMap(({ start }) => (start === undefined ? [] : [start]));
  const filesFound = Math.max(0, ...starts.map((start) => start.filesFound));
  return { ...profile, filesFound, ...(problem !== undefined && { problem }) };
}

function outcomeOf(result: IndexImageResult, settings: GeneratorSettings, problem: string | undefined): Outcome {
  switch (result.outcome) {
    case 'indexed': {
      const { version, root, tag, indexes, layers, bytesRead, proof } = result;
      const indexed = layers.filter((layer) => layer.outcome === 'indexed');
      const built = indexed.filter(({ origin }) => origin === 'built').length;
      const recompressed = indexed.flatMap(recompressionsOf).slice(0, MAX_RECOMPRESSED);
      const profile = profileOf(result, problem);
      const warnings = indexed.flatMap(warningsOf).sort(compareWarnings).slice(0, MAX_WARNINGS);
      return {
        outcome: 'indexed',
        version,
        ...(root && { root }),
        ...(tag !== undefined && { outputTag: tag }),
        indexes,
        layers: { built, reused: indexed.length - built, skipped: layers.length - indexed.length },
        bytesRead,
        spansVerified: proof?.spansRead ?? 0,
        ...(profile && { profile }),
        ...(recompressed.length > 0 && { recompressed }),
        ...(warnings.length > 0 && { warnings }),
      };
    }
    case 'already-indexed': {
      const { root, tag } = result;
      const found = { ...(root && { root }), ...(tag !== undefined && { outputTag: tag }) };
      return { ...skipped('already-indexed', result.message), ...found };
    }
    case 'refused': {
      const { reason, message } = result;
      const remedy = reason === 'tag-taken' ? '. Rename it, or set soci_output_tag to another value' : '';
      return failed(reason, `${message}${remedy}`);
    }
    case 'nothing-to-index':
      return skipped(result.reason, `${result.message}${zstdRemedy(result.layers, settings)}`);
    default:
      return skipped(result.reason, result.message);
  }
}

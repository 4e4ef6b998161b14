import type { ImageAnalysis, LayerAnalysis } from '@soci/index';
import { layerCompression } from '@soci/oci';
import type { Obstacle } from './obstacles.ts';
import { findObstacles } from './obstacles.ts';
import {
  estimateLazyStart,
  estimatePull,
  type Network,
  type PulledLayer,
  type StartTime,
  ZTOC_DOWNLOADS,
} from './start-model.ts';

/** Fixed span sizes that are compared, in bytes: those of the benchmark. */
export const SPAN_SIZES: readonly number[] = [1 << 20, 1 << 22, 1 << 23, 1 << 24];

/** The default of `convert`. */
export const DEFAULT_SPAN_SIZE = 1 << 22;

/** Settings of an index. */
export interface Setting {
  /** In bytes of uncompressed data, or `auto`. */
  readonly spanSize: number | 'auto';
}

/** What a start costs with one setting. */
export interface SettingReport extends Setting {
  readonly start: StartTime;
  /** Bytes that a start downloads. zTOCs count twice. */
  readonly bytes: number;
  /** Bytes of the zTOCs, once. */
  readonly ztocsSize: number;
  /** Spans that a start reads. */
  readonly spans: number;
  /** Bytes of these spans. */
  readonly spansSize: number;
}

/** Whether an index is worth it, and why. */
export interface Assessment {
  readonly analysis: ImageAnalysis;
  readonly network: Network;
  /** Minimum size of an indexed layer, in bytes. */
  readonly minLayerSize: number;
  /** An ordinary pull, with unpacking. */
  readonly pull: StartTime & { readonly bytes: number };
  /** Empty if no layer can be indexed, or if the files of the start may be in layers that cannot. */
  readonly settings: readonly SettingReport[];
  /** The recommended setting. Absent if no layer can be indexed. */
  readonly best?: SettingReport;
  /** The default setting. Absent if no layer can be indexed. */
  readonly standard?: SettingReport;
  readonly obstacles: readonly Obstacle[];
  readonly isWorthIt: boolean;
}

/** A start must be faster by this fraction of the ordinary pull, and by this time in seconds. */
const MIN_GAIN = 0.2;
const MIN_GAIN_SECONDS = 1;

/** The default is recommended if the best setting is faster by at most this fraction, or by this time in seconds. */
const SIMILAR = 0.05;
const SIMILAR_SECONDS = 0.2;

/** Assumed ratio of the uncompressed size of a layer that was not read: that of the images of the benchmark. */
export const COMPRESSION_RATIO = 3;

/** Compares an ordinary pull with starts over an index. */
export function assess(analysis: ImageAnalysis, network: Network, minLayerSize: number): Assessment {
  const { layers } = analysis;
  const pulled = layers.map(toPulled);
  const pull = { ...estimatePull(pulled, network), bytes: pulled.reduce((sum, { size }) => sum + size, 0) };
  const obstacles = findObstacles(layers);
  // What a start reads is unknown if its files may be in a zstd layer.
  const isHidden = analysis.filesFound === 0 && obstacles.some(({ code }) => code === 'zstd');
  const settings =
    layers.some(isLazy) && !isHidden
      ? (['auto', ...SPAN_SIZES] as const).map((spanSize) => assessSetting(layers, { spanSize }, network))
      : [];
  const standard = settings.find(({ spanSize }) => spanSize === DEFAULT_SPAN_SIZE);
  const best = chooseBest(settings, standard);
  const gain = best === undefined ? 0 : pull.seconds - best.start.seconds;
  return {
    analysis,
    network,
    minLayerSize,
    pull,
    settings,
    ...(best && { best }),
    ...(standard && { standard }),
    obstacles,
    isWorthIt: gain >= Math.max(MIN_GAIN_SECONDS, MIN_GAIN * pull.seconds),
  };
}

/** Returns whether the runtime reads a layer through a zTOC. */
function isLazy({ skipped, content }: LayerAnalysis): boolean {
  return skipped === undefined && content?.warnings.every(({ effect }) => effect !== 'pulled-whole') === true;
}

function assessSetting(layers: readonly LayerAnalysis[], setting: Setting, network: Network): SettingReport {
  const lazy = layers.filter(isLazy);
  const pulled = layers.filter((layer) => !isLazy(layer) && isPulled(layer)).map(toPulled);
  const uses = lazy.flatMap(
    ({ content }) => content?.spans.find(({ spanSize }) => spanSize === setting.spanSize) ?? [],
  );
  const total = (select: (use: (typeof uses)[number]) => number) => uses.reduce((sum, use) => sum + select(use), 0);
  const ztocsSize = total(({ ztocSize }) => ztocSize);
  const spans = total(({ spansRead }) => spansRead);
  const spansSize = total(({ bytesRead }) => bytesRead);
  // The runtime reads a list of spans to prefetch for each of these layers: a manifest and a blob.
  const prefetchLists = setting.spanSize === 'auto' ? 2 * uses.filter(({ spansRead }) => spansRead > 0).length : 0;
  const start = estimateLazyStart(
    {
      pulled,
      ztocsSize,
      layers: lazy.length,
      files: lazy.reduce((sum, { content }) => sum + (content?.files ?? 0), 0),
      requests: spans + prefetchLists,
      bytesRead: spansSize,
      bytesInflated: total(({ bytesInflated }) => bytesInflated),
    },
    network,
  );
  const bytes = ZTOC_DOWNLOADS * ztocsSize + spansSize + pulled.reduce((sum, { size }) => sum + size, 0);
  return { ...setting, start, bytes, ztocsSize, spans, spansSize };
}

/** Prefers the default if it is about as fast as the best setting. */
function chooseBest(
  settings: readonly SettingReport[],
  standard: SettingReport | undefined,
): SettingReport | undefined {
  const [fastest] = settings.toSorted((a, b) => a.start.seconds - b.start.seconds);
  const least = fastest?.start.seconds ?? 0;
  const limit = least + Math.max(SIMILAR * least, SIMILAR_SECONDS);
  return standard !== undefined && standard.start.seconds <= limit ? standard : fastest;
}

/** Returns whether a runtime unpacks the layer. */
function isPulled({ skipped }: LayerAnalysis): boolean {
  return skipped?.reason !== 'not-an-image-layer';
}

function toPulled({ size, mediaType, content }: LayerAnalysis): PulledLayer {
  const isPlain = ['uncompressed', 'unknown'].includes(layerCompression(mediaType) ?? '');
  return { size, uncompressedSize: content?.uncompressedSize ?? size * (isPlain ? 1 : COMPRESSION_RATIO) };
}

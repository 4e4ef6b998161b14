import type { Descriptor, Platform } from '@soci/oci';
import { summarize } from '../go-json/image-spec.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { type SkipReason, taskKey } from '../layers/layer-plan.ts';
import { cleanPrefetchPath } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';
import { ANNOTATION_LAYER_DIGEST } from '../vocabulary.ts';
import type { LayerWarning } from '../warnings/layer-warning.ts';
import type { PlatformPlan } from './plan-image.ts';
import type { PrefetchLocation } from './prefetch-files.ts';
import type { AssembledIndex } from './soci-manifest.ts';

/** Report on one platform of the image. */
export interface PlatformReport {
  readonly platform: Platform;
  /** The image manifest before the conversion. */
  readonly manifest: Descriptor;
  /** The SOCI index. Absent if no layer is indexed. */
  readonly index?: Descriptor;
  /** Digests of the layers, in order. Each has a {@link LayerReport}. */
  readonly layers: readonly string[];
  /** Whether each of `prefetchFiles` was found, in the same order. */
  readonly prefetchFiles: readonly PrefetchReport[];
  /** What a start reads. Only if the spans follow a profile. */
  readonly start?: StartReport;
}

/** What the start of a container reads of an image with the span size `auto`. */
export interface StartReport {
  /** Number of files in the profile. */
  readonly files: number;
  /** Number of those files that the image has. */
  readonly filesFound: number;
  /** Bytes of the spans that contain what the profile reads. */
  readonly bytesRead: number;
  /** Bytes of the zTOCs of the platform. */
  readonly ztocsSize: number;
}

/** Whether a file to prefetch was found. */
export interface PrefetchReport {
  /** Normalized path. */
  readonly path: string;
  readonly isFound: boolean;
}

/** Report on one layer of the image. A layer that occurs several times is reported once. */
export type LayerReport = IndexedLayer | SkippedLayer;

/** A layer that has a zTOC. */
export interface IndexedLayer {
  readonly outcome: 'indexed';
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Bytes of the uncompressed layer. */
  readonly uncompressedSize: number;
  /** Descriptor of the zTOC in the first SOCI index that lists it. */
  readonly ztoc: Descriptor;
  /** Number of spans. */
  readonly spans: number;
  /** Number of entries of the archive, including directories and links. */
  readonly files: number;
  /** The original layer, if it was recompressed. The other fields describe the result. */
  readonly recompressedFrom?: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  /** Whether the zTOC was `built` from the layer, or `reused` without reading the layer. */
  readonly origin: 'built' | 'reused';
  /** Time to build the zTOC, or to find and check an existing one, in seconds. */
  readonly seconds: number;
  /** What the runtime does differently than expected, worst first. The zTOC is right in any case. */
  readonly warnings: readonly LayerWarning[];
}

/** A layer without a zTOC. */
export interface SkippedLayer {
  readonly outcome: 'skipped';
  readonly reason: SkipReason;
  /** With `media-type-mismatch`: the format of the content, and that of the media type. */
  readonly message?: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer according to its descriptor. */
  readonly size: number;
}

/** Creates the report on one platform. */
export function reportPlatform(
  plan: PlatformPlan,
  index: AssembledIndex | undefined,
  built: ReadonlyMap<string, BuiltLayer>,
  prefetch: readonly (PrefetchLocation | undefined)[],
  start: StartReport | undefined,
  { prefetchFiles, isCompat }: Pick<ResolvedOptions, 'prefetchFiles' | 'isCompat'>,
): PlatformReport {
  return {
    platform: plan.platform,
    manifest: summarize(plan.manifest),
    ...(index && { index: index.descriptor }),
    layers: plan.layers.map(({ descriptor }) => descriptor.digest),
    prefetchFiles: prefetchFiles.map((path, position) => ({
      path: cleanPrefetchPath(path),
      isFound: isCompat
        ? plan.layers.some((layer) => 'task' in layer && built.get(taskKey(layer.task))?.prefetch[position] != null)
        : prefetch[position] !== undefined,
    })),
    ...(start && { start }),
  };
}

/** Creates the reports on the layers of all platforms, in the order of their first occurrence. */
export function reportLayers(
  plans: readonly PlatformPlan[],
  indexes: readonly (AssembledIndex | undefined)[],
  built: ReadonlyMap<string, BuiltLayer>,
  symlinkWrites: ReadonlyMap<string, LayerWarning>,
): LayerReport[] {
  const reports = new Map<string, LayerReport>();
  for (const [i, plan] of plans.entries()) {
    for (const layer of plan.layers) {
      const { digest, mediaType, size } = layer.descriptor;
      const key = `${mediaType} ${digest}`;
      if (reports.has(key)) continue;
      const common = { digest, mediaType, size };
      if ('skipped' in layer) {
        const { skipped: reason, message } = layer;
        reports.set(key, { outcome: 'skipped', reason, ...common, ...(message !== undefined && { message }) });
        continue;
      }
      const result = built.get(taskKey(layer.task)) as BuiltLayer;
      const { uncompressedSize, spans, files, origin, seconds } = result;
      const write = symlinkWrites.get(digest);
      const warnings = write === undefined ? result.warnings : [...result.warnings, write];
      const ztoc = indexes[i]?.ztocs.find(
        ({ annotations }) => annotations?.[ANNOTATION_LAYER_DIGEST] === digest,
      ) as Descriptor;
      const recompressedFrom = layer.recompressed?.layer;
      reports.set(key, {
        outcome: 'indexed',
        ...common,
        ...(recompressedFrom && { recompressedFrom }),
        uncompressedSize,
        ztoc,
        spans,
        files,
        origin,
        seconds,
        warnings,
      });
    }
  }
  return [...reports.values()];
}

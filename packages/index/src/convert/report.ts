import type { Descriptor, Platform } from '@soci/oci';
import { summarize } from '../go-json/image-spec.ts';
import type { BuiltLayer } from '../layers/build-layer.ts';
import { type SkipReason, taskKey } from '../layers/layer-plan.ts';
import { cleanPrefetchPath } from '../layers/prefetch-spans.ts';
import { ANNOTATION_LAYER_DIGEST } from '../vocabulary.ts';
import type { PlatformPlan } from './plan-image.ts';
import type { AssembledIndex } from './soci-manifest.ts';

/** What became of one platform of the image. */
export interface PlatformReport {
  readonly platform: Platform;
  /** The image's manifest for it, as the image has it. */
  readonly manifest: Descriptor;
  /** Its SOCI index; absent where none of its layers is indexed. */
  readonly index?: Descriptor;
  /** Digests of its layers, in order, each with what became of it in {@link LayerReport}. */
  readonly layers: readonly string[];
  /** Which of the files to prefetch it has, in the order of the option. */
  readonly prefetchFiles: readonly PrefetchReport[];
}

/** Whether a file to prefetch was found. */
export interface PrefetchReport {
  /** The path as it was looked up. */
  readonly path: string;
  readonly isFound: boolean;
}

/** What became of one layer of the image; one that stands in several places is told of once. */
export type LayerReport = IndexedLayer | SkippedLayer;

/** A layer that has a zTOC. */
export interface IndexedLayer {
  readonly outcome: 'indexed';
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Bytes of its tar archive. */
  readonly uncompressedSize: number;
  /** The zTOC as its first SOCI index lists it. */
  readonly ztoc: Descriptor;
  /** How many spans it is cut into. */
  readonly spans: number;
  /** Entries of its archive, directories and links among them. */
  readonly files: number;
  /** Whether its zTOC was `built` from the layer, or `reused` from an earlier run, the layer not being read. */
  readonly origin: 'built' | 'reused';
  /** Wall time of reading it and building its zTOC, or of finding and checking that. */
  readonly seconds: number;
}

/** A layer that has none. */
export interface SkippedLayer {
  readonly outcome: 'skipped';
  readonly reason: SkipReason;
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the layer, as its descriptor says; it was not read. */
  readonly size: number;
}

/** Reports on one platform. */
export function reportPlatform(
  plan: PlatformPlan,
  index: AssembledIndex | undefined,
  built: ReadonlyMap<string, BuiltLayer>,
  prefetchFiles: readonly string[],
): PlatformReport {
  return {
    platform: plan.platform,
    manifest: summarize(plan.manifest),
    ...(index && { index: index.descriptor }),
    layers: plan.layers.map(({ descriptor }) => descriptor.digest),
    prefetchFiles: prefetchFiles.map((path, position) => ({
      path: cleanPrefetchPath(path),
      isFound: plan.layers.some(
        (layer) => 'task' in layer && built.get(taskKey(layer.task))?.prefetch[position] != null,
      ),
    })),
  };
}

/** Reports on the layers of all platforms, in the order in which they first stand. */
export function reportLayers(
  plans: readonly PlatformPlan[],
  indexes: readonly (AssembledIndex | undefined)[],
  built: ReadonlyMap<string, BuiltLayer>,
): LayerReport[] {
  const reports = new Map<string, LayerReport>();
  for (const [i, plan] of plans.entries()) {
    for (const layer of plan.layers) {
      const { digest, mediaType, size } = layer.descriptor;
      const key = `${mediaType} ${digest}`;
      if (reports.has(key)) continue;
      const common = { digest, mediaType, size };
      if ('skipped' in layer) {
        reports.set(key, { outcome: 'skipped', reason: layer.skipped, ...common });
        continue;
      }
      const { uncompressedSize, spans, files, origin, seconds } = built.get(taskKey(layer.task)) as BuiltLayer;
      const ztoc = indexes[i]?.artifacts.find(
        ({ kind, descriptor }) => kind === 'ztoc' && descriptor.annotations?.[ANNOTATION_LAYER_DIGEST] === digest,
      )?.descriptor as Descriptor;
      reports.set(key, { outcome: 'indexed', ...common, uncompressedSize, ztoc, spans, files, origin, seconds });
    }
  }
  return [...reports.values()];
}

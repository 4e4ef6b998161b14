import type { PlatformPlan } from '../convert/plan-image.ts';
import type { SkippedLayer } from '../convert/report.ts';
import type { WrittenIndex } from '../convert/soci-manifest.ts';
import { toDescriptor, toPlatform } from '../go-json/image-spec.ts';
import { ANNOTATION_LAYER_DIGEST, ANNOTATION_LAYER_MEDIA_TYPE } from '../vocabulary.ts';
import type { RecognizedIndexes, RecognizedLayer } from './recognition.ts';

/** Reports on what was recognized. An empty platform is one that nothing has told of. */
export function reportRecognized(
  plans: readonly PlatformPlan[],
  indexes: readonly (WrittenIndex | undefined)[],
): RecognizedIndexes {
  const made = indexes.filter((index) => index !== undefined);
  return {
    outcome: 'current',
    indexes: made.map(({ descriptor }) => toDescriptor(descriptor)),
    platforms: plans.map(({ platform, manifest, layers }, i) => {
      const index = indexes[i];
      return {
        ...(platform.os !== '' && { platform: toPlatform(platform) }),
        manifest: toDescriptor(manifest),
        ...(index && { index: toDescriptor(index.descriptor) }),
        layers: layers.map(({ descriptor }) => descriptor.digest),
      };
    }),
    layers: reportLayers(plans, made),
  };
}

function reportLayers(
  plans: readonly PlatformPlan[],
  indexes: readonly WrittenIndex[],
): (RecognizedLayer | SkippedLayer)[] {
  const ztocs = indexes.flatMap(({ ztocs }) => ztocs.map(({ descriptor }) => toDescriptor(descriptor)));
  const byLayer = new Map(
    ztocs.map((ztoc) => [
      `${ztoc.annotations?.[ANNOTATION_LAYER_MEDIA_TYPE]} ${ztoc.annotations?.[ANNOTATION_LAYER_DIGEST]}`,
      ztoc,
    ]),
  );
  const reports = new Map<string, RecognizedLayer | SkippedLayer>();
  for (const layer of plans.flatMap(({ layers }) => layers)) {
    const { digest, mediaType, size } = layer.descriptor;
    const key = `${mediaType} ${digest}`;
    const common = { digest, mediaType, size: Number(size) };
    const ztoc = byLayer.get(key);
    if ('skipped' in layer) reports.set(key, { outcome: 'skipped', reason: layer.skipped, ...common });
    else if (ztoc !== undefined) reports.set(key, { outcome: 'indexed', ...common, ztoc });
  }
  return [...reports.values()];
}

import { ANNOTATION_DISABLE_XATTRS, type SociDocument } from '@soci/index';
import type { ImageDescription } from './describe-image.ts';
import { findZtoc } from './find-layer.ts';

/** What `inspect --json` prints; docs/cli.md says what each field means. */
export function imageAsJson(source: string, { root, images, others }: ImageDescription): object {
  return {
    source,
    root,
    platforms: images.map((image) => ({
      platform: image.platform,
      manifest: image.manifest,
      config: image.config,
      layers: image.layers.map((layer) => {
        const ztoc = findZtoc(image, layer.digest);
        const { digest, mediaType, size } = layer;
        return { layer: digest, mediaType, layerSize: size, ...(ztoc && { ztoc: ztoc.descriptor.digest }) };
      }),
      indexes: image.sociIndexes.map(sociIndexAsJson),
    })),
    others: others.map(({ descriptor, kind }) => ({ kind, manifest: descriptor })),
  };
}

function sociIndexAsJson({ version, descriptor, ztocs, prefetches }: SociDocument): object {
  return {
    version,
    index: descriptor,
    ztocs: ztocs.map(({ layerDigest, spanSize, descriptor: { digest, size, annotations } }) => ({
      layer: layerDigest,
      digest,
      size,
      spanSize,
      disableXattrs: annotations?.[ANNOTATION_DISABLE_XATTRS] === 'true',
    })),
    prefetches: prefetches.map(({ layerDigest, descriptor: { digest, size } }) => ({
      layer: layerDigest,
      digest,
      size,
    })),
  };
}

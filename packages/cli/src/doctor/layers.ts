import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { type Descriptor, layerCompression } from '@soci/oci';
import type { RegistryEvidence } from './evidence.ts';

/** Returns the layers whose compression a zTOC supports, by their media type and first bytes. */
export function supportedLayers({ image, formats }: RegistryEvidence): readonly Descriptor[] {
  return (image?.layers ?? []).filter(({ digest, mediaType }) => {
    const compression = layerCompression(mediaType);
    const format = formats.get(digest);
    return (
      (compression === 'gzip' || compression === 'uncompressed' || compression === 'unknown') &&
      format !== 'zstd' &&
      format !== 'xz'
    );
  });
}

/** Returns the layers that `convert` would index with its default settings. */
export function indexableLayers(registry: RegistryEvidence): readonly Descriptor[] {
  return supportedLayers(registry).filter(({ size }) => size >= DEFAULT_MIN_LAYER_SIZE);
}

/** Returns the digests of the layers that have a zTOC in the v2 index of the image. */
export function ztocLayers({ index }: RegistryEvidence): ReadonlySet<string> {
  return new Set(index === undefined || 'unread' in index ? [] : index.ztocs.map(({ layer }) => layer));
}

/** Returns the total size of layers, in bytes. */
export function sizeOf(layers: readonly Descriptor[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

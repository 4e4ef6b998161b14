import type { Descriptor } from '@soci/oci';
import type { NothingToIndex } from '../convert/build-index.ts';
import type { LayerReport } from '../convert/report.ts';
import { DEFAULT_MIN_LAYER_SIZE } from '../options.ts';
import type { NothingIndexed } from './publish-result.ts';

/** Says why no layer is indexed, in numbers: `3 layers: 2 smaller than 10485760 bytes, 1 ...`. */
export function describeNothing(
  { reason, platforms, layers }: NothingToIndex,
  image: Descriptor,
  minLayerSize = DEFAULT_MIN_LAYER_SIZE,
): NothingIndexed {
  const because = (reason: NothingIndexed['reason'], message: string): NothingIndexed => {
    return { outcome: 'nothing-to-index', reason, message, image, platforms, layers };
  };
  if (reason === 'no-platform') return because('no-platform', 'it has no manifest for a platform: nothing of it runs');
  if (layers.length === 0) return because('no-layers', 'it has no layers');
  const left = (of: string) => layers.filter((layer) => layer.outcome === 'skipped' && layer.reason === of).length;
  const phrases = [
    [left('smaller-than-min-layer-size'), `smaller than ${minLayerSize} bytes`],
    [left('unsupported-compression'), 'compressed by other means than gzip'],
    [left('not-an-image-layer') + left('unknown-layer-type'), 'of a type that is not indexed'],
  ] as const;
  const told = phrases.filter(([count]) => count > 0).map(([count, phrase]) => `${count} ${phrase}`);
  const message = `none of its ${layers.length} layers is indexed: ${told.join(', ')}`;
  return because(layers.every(isSmall) ? 'layers-too-small' : 'layers-not-supported', message);
}

function isSmall(layer: LayerReport): boolean {
  return layer.outcome === 'skipped' && layer.reason === 'smaller-than-min-layer-size';
}

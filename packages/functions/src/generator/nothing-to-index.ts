import type { LayerReport, NothingToIndex } from '@soci/index';
import { type Skipped, skipped } from './outcome.ts';

/** Why an image has no layer that is indexed, in numbers: `3 layers: 2 smaller than 10485760 bytes, 1 ...`. */
export function describeNothing({ reason, layers }: NothingToIndex, minLayerSize: number): Skipped {
  if (reason === 'no-platform') return skipped('no-platform', 'it has no manifest for a platform: nothing of it runs');
  if (layers.length === 0) return skipped('no-layers', 'it has no layers');
  const left = (of: string) => layers.filter((layer) => layer.outcome === 'skipped' && layer.reason === of).length;
  const phrases = [
    [left('smaller-than-min-layer-size'), `smaller than ${minLayerSize} bytes`],
    [left('unsupported-compression'), 'compressed by other means than gzip'],
    [left('not-an-image-layer') + left('unknown-layer-type'), 'of a type that is not indexed'],
  ] as const;
  const told = phrases.filter(([count]) => count > 0).map(([count, phrase]) => `${count} ${phrase}`);
  const message = `none of its ${layers.length} layers is indexed: ${told.join(', ')}`;
  return skipped(layers.every(isSmall) ? 'layers-too-small' : 'layers-not-supported', message);
}

function isSmall(layer: LayerReport): boolean {
  return layer.outcome === 'skipped' && layer.reason === 'smaller-than-min-layer-size';
}

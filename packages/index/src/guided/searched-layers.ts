import { type Descriptor, isEncrypted, layerCompression } from '@soci/oci';
import { DEFAULT_MIN_LAYER_SIZE } from '../options.ts';

/** Maximum size of a layer without a zTOC whose files are read, in bytes: the default of `minLayerSize`. */
const MAX_READ_LAYER_SIZE = DEFAULT_MIN_LAYER_SIZE;

/** Maximum total size of such layers, in bytes: 64 MiB. */
const MAX_READ_LAYERS_SIZE = 64 << 20;

/**
 * Chooses the layers in which the files of a profile are searched: those with a zTOC, and small ones, which often contain
 * links to files of larger layers. The content of other layers is unknown. They are ignored.
 *
 * @param layers - Base layer first.
 */
export function chooseSearchedLayers<Layer extends { readonly descriptor: Descriptor }>(
  layers: readonly Layer[],
  hasZtoc: (layer: Layer) => boolean,
): readonly Layer[] {
  let size = 0;
  const chosen = layers.toReversed().filter((layer) => {
    if (hasZtoc(layer)) return true;
    const { mediaType, size: own } = layer.descriptor;
    if (own > MAX_READ_LAYER_SIZE || size + own > MAX_READ_LAYERS_SIZE) return false;
    if (layerCompression(mediaType) === undefined || isEncrypted(mediaType)) return false;
    size += own;
    return true;
  });
  return chosen.reverse();
}

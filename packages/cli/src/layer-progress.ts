import type { IndexProgress } from '@soci/index';
import type { Progress } from './terminal/progress.ts';
import { countOf, formatBytes, formatSeconds, shortDigest } from './terminal/quantity.ts';

/** Shows the events of indexing an image: one bar over all layers, one line for each that is done. */
export function showLayerProgress(progress: Progress): (event: IndexProgress) => void {
  const read = new Map<string, number>();
  let bytes = 0;
  let layers = 0;
  let done = 0;
  let readBytes = 0;
  const advance = (layer: string, to: number) => {
    readBytes += to - (read.get(layer) ?? 0);
    read.set(layer, to);
    progress.update({
      done: readBytes,
      total: bytes,
      detail: `${done} of ${countOf(layers, 'layer')}, ${formatBytes(readBytes)} of ${formatBytes(bytes)}`,
    });
  };
  return (event) => {
    switch (event.type) {
      case 'planned':
        ({ layers, bytes } = event);
        break;
      case 'layer-started':
        break;
      case 'layer-progress':
        advance(event.layer, event.bytes);
        break;
      case 'layer-done':
        done++;
        advance(event.layer, event.size);
        progress.milestone(
          `layer ${done} of ${layers}  ${shortDigest(event.layer)}  ${formatBytes(event.size)}  ` +
            `${countOf(event.files, 'file')}  ${countOf(event.spans, 'span')}  zTOC ${formatBytes(event.ztocSize)}  ${formatSeconds(event.seconds)}`,
        );
        break;
    }
  };
}

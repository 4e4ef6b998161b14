import type { IndexProgress } from '@soci/index';
import { InFlight } from './in-flight.ts';
import type { Progress } from './terminal/progress.ts';
import { countOf, formatBytes, formatSeconds, shortDigest } from './terminal/quantity.ts';
import { printable } from './terminal/text-width.ts';

type LayerEvent = Extract<IndexProgress, { readonly type: 'layer-done' | 'layer-reused' }>;

/**
 * Shows the events of indexing an image: a bar over all layers that are read and one for each in flight, one line for
 * each that is done.
 */
export function showLayerProgress(progress: Progress): (event: IndexProgress) => void {
  const inFlight = new InFlight();
  let bytes = 0;
  let layers = 0;
  let done = 0;
  const show = () =>
    progress.update({
      done: inFlight.bytes,
      total: bytes,
      detail: `${done} of ${countOf(layers, 'layer')}, ${formatBytes(inFlight.bytes)} of ${formatBytes(bytes)}`,
      items: inFlight.items(),
    });
  return (event) => {
    switch (event.type) {
      case 'planned':
        ({ layers, bytes } = event);
        break;
      case 'layer-started':
        inFlight.advance(event.layer, 0, event.size);
        show();
        break;
      case 'layer-progress':
        inFlight.advance(event.layer, event.bytes, event.size);
        show();
        break;
      case 'layer-done':
        done++;
        inFlight.advance(event.layer, event.size, event.size);
        inFlight.end(event.layer);
        show();
        progress.milestone(`layer ${done} of ${layers}  ${describe(event)}  ${formatSeconds(event.seconds)}`);
        break;
      case 'layer-reused':
        progress.milestone(`layer reused  ${describe(event)}`);
        break;
      case 'ztoc-refused':
        progress.milestone(`layer ${shortDigest(event.layer)} is read: ${printable(event.message)}`);
        break;
    }
  };
}

function describe({ layer, size, files, spans, ztocSize }: LayerEvent): string {
  const facts = [countOf(files, 'file'), countOf(spans, 'span'), `zTOC ${formatBytes(ztocSize)}`];
  return [shortDigest(layer), formatBytes(size), ...facts].join('  ');
}

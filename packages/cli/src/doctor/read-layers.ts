import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { type Descriptor, layerCompression } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { ExaminedImage, ExaminedIndex, ExaminedZtoc, RegistryEvidence } from './evidence.ts';
import type { RequestBudget } from './request-budget.ts';

/** Number of requests at the same time. */
const PARALLEL_REQUESTS = 8;

/** First bytes of formats that a layer can have. */
const MAGIC_NUMBERS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
];

/** Number of bytes that tell the format. */
const MAGIC_LENGTH = 4;

/** A request for the first bytes of a layer can be redirected. */
const REQUESTS_OF_RANGE = 2;

/** What {@link readLayerFacts} uses. */
interface LayerReading {
  readonly repository: Repository;
  readonly budget: RequestBudget;
  readonly signal: AbortSignal;
}

/** What {@link readLayerFacts} returns. */
export interface LayerFacts extends Pick<RegistryEvidence, 'formats' | 'ranges'> {
  readonly index?: ExaminedIndex;
}

/**
 * Makes at most one request for each layer: whether its zTOC exists or, for a layer without one that could have one, its
 * first bytes. They tell the format, and whether the registry answers range requests.
 */
export async function readLayerFacts(
  reading: LayerReading,
  image: ExaminedImage,
  index: ExaminedIndex | undefined,
): Promise<LayerFacts> {
  const { repository, budget, signal } = reading;
  const layers = new Set(image.layers.map(({ digest }) => digest));
  const own = (index?.ztocs ?? []).filter(({ layer }) => layers.has(layer));
  // A hostile index lists many zTOCs for one layer.
  const checked = await inBatches(own.slice(0, layers.size), async (ztoc): Promise<ExaminedZtoc> => {
    const exists = await repository.exists(ztoc.descriptor, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    return { ...ztoc, state: exists === undefined ? 'not-checked' : exists ? 'present' : 'missing' };
  });
  const ztocs = [
    ...checked,
    ...(index?.ztocs ?? []).filter((ztoc) => !layers.has(ztoc.layer)),
    ...own.slice(layers.size),
  ];
  const indexed = new Set(ztocs.map(({ layer }) => layer));
  const formats = new Map<string, string>();
  let ranges: LayerFacts['ranges'];
  const candidates = image.layers
    .filter((layer) => !indexed.has(layer.digest) && isIndexable(layer))
    .toSorted((a, b) => b.size - a.size);
  // An image whose layers all have a zTOC: only whether ranges work.
  const probed =
    candidates.length > 0 ? candidates : image.layers.filter(({ size }) => size >= MAGIC_LENGTH).slice(0, 1);
  for (const layer of probed) {
    if (!budget.allows(REQUESTS_OF_RANGE)) break;
    try {
      const head = await repository.fetchRange(layer, { offset: 0, length: MAGIC_LENGTH }, { signal });
      ranges = 'supported';
      formats.set(layer.digest, formatOf(head));
    } catch (error) {
      signal.throwIfAborted();
      ranges = { unread: (error as Error).message };
      break;
    }
  }
  return { formats, ...(index && { index: { ...index, ztocs } }), ...(ranges && { ranges }) };
}

/** Reports whether a layer gets a zTOC by its media type and size. */
function isIndexable({ mediaType, size }: Descriptor): boolean {
  const compression = layerCompression(mediaType);
  return (
    size >= DEFAULT_MIN_LAYER_SIZE &&
    (compression === 'gzip' || compression === 'unknown' || compression === 'uncompressed')
  );
}

function formatOf(head: Uint8Array): string {
  return MAGIC_NUMBERS.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0] ?? 'unknown';
}

async function inBatches<T, R>(items: readonly T[], use: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += PARALLEL_REQUESTS) {
    results.push(...(await Promise.all(items.slice(from, from + PARALLEL_REQUESTS).map(use))));
  }
  return results;
}

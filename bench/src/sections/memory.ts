import { type Candidate, compare, spreadOf } from '../compare.ts';
import { layoutWithLayers } from '../generate-image.ts';
import { gzipLayerOfSize, noiseLayerOfSize, plainLayerOfSize } from '../generate-layer.ts';
import { sociIndex } from '../measure.ts';
import { forceConvert, type ServedRegistry, serveTestRegistry } from '../registries/registries.ts';
import { bytesAtMost, formatComparison, megabytes, type Section } from '../report.ts';

const MAX_MEMORY = 120e6;
/** Sizes of the tars, in bytes: the second is forty times the first. */
const SIZES = [100 << 20, 2 ** 32] as const;

/** Measures memory for a small and a large layer. */
export async function benchMemory(rounds: number): Promise<Section> {
  const candidates: Candidate[] = [];
  for (const size of SIZES) {
    const label = size < 2 ** 30 ? `${size / 2 ** 20} MiB` : `${size / 2 ** 30} GiB`;
    const create = (layer: string) => sociIndex('ztoc', 'create', '--quiet', layer);
    candidates.push({ name: `gzip of ${label}`, command: create(await gzipLayerOfSize(size)) });
    candidates.push({ name: `plain tar of ${label}`, command: create(plainLayerOfSize(size)) });
  }
  const comparison = await compare('memory', candidates, rounds);
  const most = Math.max(...comparison.names.map((name) => spreadOf(comparison, name, ({ memory }) => memory).max));
  return {
    heading: 'Memory and layer size',
    summary: `soci-index needs at most ${megabytes(most)} MB of memory for the zTOC of a layer, whether its tar has 100 MiB or 4 GiB.`,
    setup:
      'Generated layers that consist mostly of zeros. In the gzip layers one eighth is noise; the plain tars are sparse files.',
    tables: [formatComparison(comparison)],
    targets: [bytesAtMost(MAX_MEMORY, most, 'peak memory at most 120 MB for both sizes')],
  };
}

/** Maximum of additional memory for the larger layer, in bytes: twice the 32 KiB of each of its spans. */
const MAX_GROWTH = 2 * (2 ** 32 / (4 << 20)) * 32_768;

/** Measures memory for a small and a large layer in a registry. */
export async function benchRegistryMemory(rounds: number): Promise<Section> {
  const registries: ServedRegistry[] = [];
  try {
    const candidates: Candidate[] = [];
    for (const size of SIZES) {
      const layout = await layoutWithLayers(await gzipLayerOfSize(size));
      const registry = await serveTestRegistry(layout, { redirects: true });
      registries.push(registry);
      candidates.push({ name: nameOf(size), command: forceConvert(registry, '--min-layer-size', '0') });
    }
    const comparison = await compare('registry memory', candidates, rounds);
    const [small, large] = SIZES.map((size) => spreadOf(comparison, nameOf(size), ({ memory }) => memory).max);
    const growth = (large ?? 0) - (small ?? 0);
    return {
      heading: 'Memory with images in a registry',
      setup:
        'Images with one of the gzip layers above, converted within the test registry, with redirects. A zTOC needs 32 KiB of memory per span: 32 MB for 4 GiB.',
      tables: [formatComparison(comparison)],
      targets: [
        bytesAtMost(
          MAX_GROWTH,
          growth,
          `a layer forty times as large needs at most ${megabytes(MAX_GROWTH)} MB more, twice the windows of its spans`,
        ),
      ],
    };
  } finally {
    for (const registry of registries) registry.stop();
  }
}

function nameOf(size: number): string {
  return `tar of ${size / 2 ** 20} MiB`;
}

const LARGE_LAYERS = 6;
const LARGE_LAYER = 1 << 30;
const MAX_LARGE_MEMORY = 160e6;

/** Measures memory for a large image in a registry that does not compress. */
export async function benchLargeImage(rounds: number): Promise<Section> {
  const layers: string[] = [];
  for (let seed = 1; seed <= LARGE_LAYERS; seed++) layers.push(await noiseLayerOfSize(LARGE_LAYER, seed));
  const [first = '', ...others] = layers;
  const registry = await serveTestRegistry(await layoutWithLayers(first, ...others), { redirects: true });
  try {
    const candidates: Candidate[] = ['2', '1'].map((jobs) => ({
      name: jobs === '1' ? 'one layer at a time' : 'two layers at a time',
      command: forceConvert(registry, '--jobs', jobs),
    }));
    const comparison = await compare('large image', candidates, rounds);
    const two = spreadOf(comparison, 'two layers at a time', ({ memory }) => memory).max;
    return {
      heading: 'Memory with a large image',
      setup: `An image of ${LARGE_LAYERS} layers of ${LARGE_LAYER / 2 ** 20} MiB that do not compress, converted within the test registry, with redirects. Its zTOCs have ${megabytes((LARGE_LAYERS * LARGE_LAYER) / 128)} MB together.`,
      tables: [formatComparison(comparison)],
      targets: [bytesAtMost(MAX_LARGE_MEMORY, two, 'peak memory at most 160 MB with two layers at a time')],
    };
  } finally {
    registry.stop();
  }
}

import { type Candidate, compare, spreadOf } from '../compare.ts';
import { layoutOfLayer } from '../made-image.ts';
import { madeGzipLayer, madePlainLayer } from '../made-layer.ts';
import { ours } from '../measure.ts';
import { convertAnew, type ServedRegistry, serveTestRegistry } from '../registries/registries.ts';
import { bytesAtMost, formatComparison, megabytes, type Section } from '../report.ts';

const MAX_MEMORY = 120e6;
/** The sizes of the layers' tars: the second is forty times the first. */
const SIZES = [100 << 20, 2 ** 32] as const;

/** Memory for layers of very different size. */
export async function benchMemory(rounds: number): Promise<Section> {
  const candidates: Candidate[] = [];
  for (const size of SIZES) {
    const label = size < 2 ** 30 ? `${size / 2 ** 20} MiB` : `${size / 2 ** 30} GiB`;
    const create = (layer: string) => ours('ztoc', 'create', '--quiet', layer);
    candidates.push({ name: `gzip of ${label}`, command: create(await madeGzipLayer(size)) });
    candidates.push({ name: `plain tar of ${label}`, command: create(madePlainLayer(size)) });
  }
  const comparison = await compare('memory', candidates, rounds);
  const most = Math.max(...comparison.names.map((name) => spreadOf(comparison, name, ({ memory }) => memory).max));
  return {
    heading: 'Memory, whatever the size',
    setting:
      'Layers made on the fly: tars of mostly zeros, an eighth of the gzip ones noise; the plain ones are sparse files.',
    tables: [formatComparison(comparison)],
    targets: [bytesAtMost(MAX_MEMORY, most, 'peak memory at most 120 MB for one layer of any size')],
  };
}

/** What the larger one may take more: twice what the zTOC of its spans takes, 32 KiB each. */
const MAX_GROWTH = 2 * (2 ** 32 / (4 << 20)) * 32_768;

/** Memory for layers of very different size, out of a registry. */
export async function benchRegistryMemory(rounds: number): Promise<Section> {
  const registries: ServedRegistry[] = [];
  try {
    const candidates: Candidate[] = [];
    for (const size of SIZES) {
      const layout = await layoutOfLayer(await madeGzipLayer(size));
      const registry = await serveTestRegistry(layout, { redirects: true });
      registries.push(registry);
      candidates.push({ name: nameOf(size), command: convertAnew(registry, '--min-layer-size', '0') });
    }
    const comparison = await compare('registry memory', candidates, rounds);
    const [small, large] = SIZES.map((size) => spreadOf(comparison, nameOf(size), ({ memory }) => memory).max);
    const growth = (large ?? 0) - (small ?? 0);
    return {
      heading: 'Memory, out of a registry',
      setting:
        'Images of one gzip layer, made on the fly as above, in the test registry with redirects, registry to registry. A zTOC takes 32 KiB of memory a span: 32 MB for 4 GiB.',
      tables: [formatComparison(comparison)],
      targets: [
        bytesAtMost(
          MAX_GROWTH,
          growth,
          `no more memory for a layer forty times as large than twice the window of each of its spans, ${megabytes(MAX_GROWTH)} MB`,
        ),
      ],
    };
  } finally {
    for (const registry of registries) registry.stop();
  }
}

function nameOf(size: number): string {
  return `a tar of ${size / 2 ** 20} MiB`;
}

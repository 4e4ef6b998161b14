import { type Contestant, holdContest, spreadOf } from '../contest.ts';
import { layoutOfLayer } from '../made-image.ts';
import { madeGzipLayer } from '../made-layer.ts';
import { ours } from '../programs.ts';
import { type ServedRegistry, serveTestRegistry } from '../registries/test-registry.ts';
import { formatContest, megabytes, type Section } from '../report.ts';

/** The sizes of the layers' tars: the second is forty times the first. */
const SIZES = [100 << 20, 2 ** 32] as const;

/** What the larger one may take more: twice what the zTOC of its spans takes, 32 KiB each. */
const MAX_GROWTH = 2 * (2 ** 32 / (4 << 20)) * 32_768;

/** Memory for layers of very different size, out of a registry. */
export async function benchRegistryMemory(rounds: number): Promise<Section> {
  const registries: ServedRegistry[] = [];
  try {
    const contestants: Contestant[] = [];
    for (const size of SIZES) {
      const layout = await layoutOfLayer(await madeGzipLayer(size));
      const registry = await serveTestRegistry(layout, { redirects: true });
      registries.push(registry);
      const places = [`${registry.host}/app:v1`, `${registry.host}/app:v1-soci`];
      contestants.push({
        name: nameOf(size),
        command: ours('convert', '--quiet', '--force', '--no-reuse', '--min-layer-size', '0', ...places),
      });
    }
    const contest = await holdContest('registry memory', contestants, rounds);
    const [small, large] = SIZES.map((size) => spreadOf(contest, nameOf(size), ({ memory }) => memory).max);
    const growth = (large ?? 0) - (small ?? 0);
    return {
      heading: 'Memory, out of a registry',
      setting:
        'Images of one gzip layer, made on the fly as above, in the test registry with redirects, registry to registry. A zTOC takes 32 KiB of memory a span: 32 MB for 4 GiB.',
      tables: [formatContest(contest)],
      targets: [
        {
          text: `no more memory for a layer forty times as large than twice the window of each of its spans, ${megabytes(MAX_GROWTH)} MB`,
          isReached: growth <= MAX_GROWTH,
          found: `${megabytes(growth)} MB`,
        },
      ],
    };
  } finally {
    for (const registry of registries) registry.stop();
  }
}

function nameOf(size: number): string {
  return `a tar of ${size / 2 ** 20} MiB`;
}

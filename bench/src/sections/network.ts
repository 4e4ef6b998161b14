import { type Candidate, compare, spreadOf } from '../compare.ts';
import { layoutSize, layoutWithLayers } from '../generate-image.ts';
import { noiseLayerOfSize } from '../generate-layer.ts';
import { script } from '../measure.ts';
import { serveTestRegistry } from '../registries/registries.ts';
import { bytesAtMost, formatComparison, formatSpread, type Section } from '../report.ts';

const SIZE = 1 << 30;
/** What eight connections carry together, in bytes per second. */
const BANDWIDTH = 400e6;
const MIN_SHARE = 0.7;

/**
 * Networks with the same product of rate and delay. On a machine that is too slow for the first one, the others show how much
 * of the bandwidth is used.
 */
const NETWORKS = [1, 2, 4, 8].map((slower) => ({
  name: `${100 * slower} ms, ${50 / slower} MB/s`,
  latency: 100 * slower,
  rate: 50e6 / slower,
  bandwidth: BANDWIDTH / slower,
}));

/** Measures how much of the bandwidth of eight connections one large blob uses. */
export async function benchLargeBlob(rounds: number): Promise<Section> {
  const layout = await layoutWithLayers(await noiseLayerOfSize(SIZE, 1));
  const registries = await Promise.all(
    NETWORKS.map(({ latency, rate }) => serveTestRegistry(layout, { latency, rate, redirects: true })),
  );
  try {
    const candidates: Candidate[] = NETWORKS.map(({ name }, i) => ({
      name,
      command: script('registries/read-blob.ts', registries[i]?.host ?? '', 'app', 'v1'),
    }));
    const comparison = await compare('large blob', candidates, rounds);
    const size = layoutSize(layout);
    const shares = NETWORKS.map(({ name, bandwidth }) =>
      spreadOf(comparison, name, ({ wall }) => size / wall / bandwidth),
    );
    const memory = Math.max(...NETWORKS.map(({ name }) => spreadOf(comparison, name, (each) => each.memory).max));
    return {
      heading: 'A large blob',
      setup: `A blob of ${SIZE / 2 ** 20} MiB in the test registry, in a separate process, is read and discarded. Every response takes the time in the first column, including redirects, and each connection has the rate next to it.`,
      tables: [formatComparison(comparison)],
      targets: [
        {
          goal: `with 100 ms and 50 MB/s, the whole run uses at least ${MIN_SHARE * 100} % of what eight connections carry`,
          isReached: (shares[0]?.median ?? 0) >= MIN_SHARE,
          measured: NETWORKS.map(
            ({ name }, i) => `${formatSpread(shares[i] as (typeof shares)[number])} (${name})`,
          ).join(', '),
        },
        bytesAtMost(200e6, memory, 'peak memory at most 200 MB'),
      ],
    };
  } finally {
    for (const registry of registries) registry.stop();
  }
}

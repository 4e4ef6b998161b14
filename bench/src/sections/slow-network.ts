import { holdContest, ratioOf, spreadOf } from '../contest.ts';
import { layersOf, sizeOf } from '../image-layout.ts';
import { imageLayout } from '../made-image.ts';
import { ours } from '../programs.ts';
import { serveTestRegistry } from '../registries/test-registry.ts';
import { formatContest, megabytes, type Section, times } from '../report.ts';

const LATENCY_MS = 100;
const RATE = 50e6;
const TO_REACH = 0.9;

/** An image over a network with latency, each connection of which carries only so much. */
export async function benchSlowNetwork(rounds: number): Promise<Section> {
  const layout = await imageLayout();
  const size = sizeOf(layout);
  const registry = await serveTestRegistry(layout, { latency: LATENCY_MS, rate: RATE, redirects: true });
  try {
    const convert = (jobs: string) =>
      ours(
        'convert',
        '--quiet',
        '--force',
        '--no-reuse',
        '--jobs',
        jobs,
        `${registry.host}/app:v1`,
        `${registry.host}/app:v1-soci`,
      );
    const contest = await holdContest(
      'slow network',
      [
        { name: 'ours, two layers at a time', command: convert('2') },
        { name: 'ours, one layer at a time', command: convert('1') },
      ],
      rounds,
    );
    const one = spreadOf(contest, 'ours, one layer at a time', ({ wall }) => size / RATE / wall);
    const gain = ratioOf(contest, 'ours, one layer at a time', 'ours, two layers at a time', ({ wall }) => wall);
    const memory = spreadOf(contest, 'ours, two layers at a time', (measurement) => measurement.memory).max;
    return {
      heading: 'A slow network',
      setting: `The image of ${layersOf(layout)} layers, ${megabytes(size)} MB, in the test registry, in a process of its own: every answer takes ${LATENCY_MS} ms, the one that redirects a blob as well as the one that brings it, and a connection carries ${RATE / 1e6} MB/s. Registry to registry, everything read anew.`,
      tables: [formatContest(contest)],
      targets: [
        {
          text: `at least ${TO_REACH * 100} % of the bandwidth of one connection, one layer at a time and everything else included`,
          isReached: one.median >= TO_REACH,
          found: `${times(one)} of it, by several connections a layer where one is too slow; two layers at a time took ${times(gain)} times less`,
        },
        { text: 'memory stays flat', isReached: memory <= 250e6, found: `${megabytes(memory)} MB` },
      ],
    };
  } finally {
    registry.stop();
  }
}

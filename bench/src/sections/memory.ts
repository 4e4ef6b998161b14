import { type Contestant, holdContest, spreadOf } from '../contest.ts';
import { madeGzipLayer, madePlainLayer } from '../made-layer.ts';
import { ours } from '../programs.ts';
import { formatContest, megabytes, type Section } from '../report.ts';

const TO_REACH = 120e6;
const SIZES = [100 << 20, 2 ** 32] as const;

/** Memory for layers of very different size. */
export async function benchMemory(rounds: number): Promise<Section> {
  const contestants: Contestant[] = [];
  for (const size of SIZES) {
    const label = size < 2 ** 30 ? `${size / 2 ** 20} MiB` : `${size / 2 ** 30} GiB`;
    contestants.push({
      name: `gzip of ${label}`,
      command: ours('ztoc', 'create', '--quiet', await madeGzipLayer(size)),
    });
    contestants.push({
      name: `plain tar of ${label}`,
      command: ours('ztoc', 'create', '--quiet', madePlainLayer(size)),
    });
  }
  const contest = await holdContest('memory', contestants, rounds);
  const most = Math.max(...contest.names.map((name) => spreadOf(contest, name, ({ memory }) => memory).max));
  return {
    heading: 'Memory, whatever the size',
    setting:
      'Layers made on the fly: tars of mostly zeros, an eighth of the gzip ones noise; the plain ones are sparse files.',
    tables: [formatContest(contest)],
    targets: [
      {
        text: 'peak memory at most 120 MB for one layer of any size',
        isReached: most <= TO_REACH,
        found: `${megabytes(most)} MB`,
      },
    ],
  };
}

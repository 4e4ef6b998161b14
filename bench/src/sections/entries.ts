import { holdContest, spreadOf } from '../contest.ts';
import { madeEntriesLayer } from '../made-layer.ts';
import { ours } from '../programs.ts';
import { formatContest, type Section } from '../report.ts';

const COUNTS = [125_000, 250_000, 500_000, 1_000_000] as const;
/** How much dearer an entry may be among eight times as many. */
const LINEAR_WITHIN = 1.25;

/** Layers of very many entries: time must grow with their number, not faster. */
export async function benchEntries(rounds: number, reference: string): Promise<Section> {
  const layers = await Promise.all(COUNTS.map(async (count) => ({ count, layer: await madeEntriesLayer(count) })));
  const contest = await holdContest(
    'entries',
    [
      ...layers.map(({ count, layer }) => ({ name: nameOf(count), command: ours('ztoc', 'create', '--quiet', layer) })),
      {
        name: 'reference, 1,000,000 entries',
        command: { program: reference, arguments: ['ztoc', layers.at(-1)?.layer ?? ''] },
      },
    ],
    rounds,
  );
  const cpu = (count: number) => spreadOf(contest, nameOf(count), (measurement) => measurement.cpu).median;
  const growth = (cpu(1_000_000) - cpu(500_000)) / 500_000 / ((cpu(500_000) - cpu(250_000)) / 250_000);
  return {
    heading: 'A million entries',
    setting: 'Gzip layers of empty files with paths of usual length.',
    tables: [formatContest(contest)],
    targets: [
      {
        text: `an entry of the second half million costs what one of the quarter million before it costs, within ${LINEAR_WITHIN}`,
        isReached: growth <= LINEAR_WITHIN,
        found: `${growth.toFixed(2)} times`,
      },
    ],
  };
}

function nameOf(count: number): string {
  return `ours, ${count.toLocaleString('en-US')} entries`;
}

import { statSync } from 'node:fs';
import { checkAgreement } from '../agreement.ts';
import { holdContest, ratioOf, spreadOf } from '../contest.ts';
import { gzipOf, largeArchive } from '../data.ts';
import { ours } from '../programs.ts';
import { formatContest, megabytes, type Section, times } from '../report.ts';

const TO_REACH = 4.5;

/** The zTOC of one large gzip layer, everything included. */
export async function benchGzipLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const referenceCommand = { program: reference, arguments: ['ztoc', layer] };
  checkAgreement(ours('ztoc', 'create', '--json', layer), referenceCommand);
  const contest = await holdContest(
    'zTOC of a gzip layer',
    [
      { name: 'ours', command: ours('ztoc', 'create', '--quiet', layer) },
      { name: 'reference', command: referenceCommand },
    ],
    rounds,
  );
  const ratio = ratioOf(contest, 'reference', 'ours', ({ cpu }) => cpu);
  const memory = spreadOf(contest, 'ours', ({ memory }) => memory).max;
  return {
    heading: 'zTOC of a gzip layer',
    setting: `A layer of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) of real files, from the file to the zTOC's digest, which is the same on both sides.`,
    tables: [formatContest(contest, 'ours')],
    targets: [
      {
        text: `the reference's CPU at least ${TO_REACH} times ours`,
        isReached: ratio.median >= TO_REACH,
        found: times(ratio),
      },
      { text: 'peak memory at most 120 MB', isReached: memory <= 120e6, found: `${megabytes(memory)} MB` },
    ],
  };
}

import { statSync } from 'node:fs';
import { checkAgreement } from '../agreement.ts';
import { type Contestant, holdContest, ratioOf } from '../contest.ts';
import { largeArchive } from '../data.ts';
import { ours } from '../programs.ts';
import { formatContest, megabytes, type Section, times } from '../report.ts';

const TO_REACH = 1.3;
const HASHES = 'two openssl dgst -sha256';

/** The zTOC of a plain tar, which costs two hashes: of the layer, and of its spans. */
export async function benchPlainLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const referenceCommand = { program: reference, arguments: ['ztoc', '-algorithm', 'uncompressed', archive] };
  checkAgreement(ours('ztoc', 'create', '--json', archive), referenceCommand);
  const contestants: Contestant[] = [
    { name: 'ours', command: ours('ztoc', 'create', '--quiet', archive) },
    { name: HASHES, command: { program: 'openssl', arguments: ['dgst', '-sha256', archive, archive] } },
    { name: 'reference', command: referenceCommand },
  ];
  const contest = await holdContest('zTOC of a plain layer', contestants, rounds);
  const ratio = ratioOf(contest, 'ours', HASHES, ({ cpu }) => cpu);
  return {
    heading: 'zTOC of an uncompressed layer',
    setting: `A tar of ${megabytes(statSync(archive).size)} MB. The work is bound by SHA-256: ours takes the digest of the layer and of every span, the reference that of the spans only.`,
    tables: [formatContest(contest, 'ours')],
    targets: [
      {
        text: `CPU of ours at most ${TO_REACH} of two passes of openssl dgst -sha256`,
        isReached: ratio.median <= TO_REACH,
        found: times(ratio),
      },
    ],
  };
}

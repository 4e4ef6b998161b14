import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkAgreement } from '../agreement.ts';
import { holdContest, ratioOf, spreadOf } from '../contest.ts';
import { CACHE } from '../data.ts';
import { layersOf, sizeOf } from '../image-layout.ts';
import { imageLayout } from '../made-image.ts';
import { ours } from '../programs.ts';
import { formatContest, megabytes, type Section, times } from '../report.ts';

const TO_REACH = 4;
const FURTHER_THREAD = 60e6;

/** A whole image, from layout to layout. */
export async function benchImage(rounds: number, reference: string): Promise<Section> {
  const layout = await imageLayout();
  const out = join(CACHE, 'converted');
  const prepare = () => rmSync(out, { recursive: true, force: true });
  const convert = (jobs: string) =>
    ours('convert', '--quiet', '--compat', 'soci-cli', '--jobs', jobs, `oci:${layout}`, `oci:${out}`);
  const referenceCommand = { program: reference, arguments: ['index', '-v', '2', layout, out] };
  checkAgreement(
    ours('convert', '--json', '--compat', 'soci-cli', `oci:${layout}`, `oci:${out}`),
    referenceCommand,
    prepare,
  );
  const contest = await holdContest(
    'image',
    [
      { name: 'ours, 2 threads', command: convert('2'), prepare },
      { name: 'ours, 1 thread', command: convert('1'), prepare },
      { name: 'reference', command: referenceCommand, prepare },
    ],
    rounds,
  );
  prepare();
  const ratio = ratioOf(contest, 'reference', 'ours, 2 threads', ({ wall }) => wall);
  const disk = spreadOf(contest, 'ours, 2 threads', ({ temporaryDisk }) => temporaryDisk).max;
  const one = spreadOf(contest, 'ours, 1 thread', ({ memory }) => memory).max;
  const two = spreadOf(contest, 'ours, 2 threads', ({ memory }) => memory).max;
  return {
    heading: 'A whole image',
    setting: `An image of ${layersOf(layout)} layers, ${megabytes(sizeOf(layout))} MB, from an OCI layout folder to another, index version 2, the same digest on both sides.`,
    tables: [formatContest(contest, 'ours, 2 threads')],
    targets: [
      {
        text: `the reference's wall time at least ${TO_REACH} times ours on 2 cores`,
        isReached: ratio.median >= TO_REACH,
        found: times(ratio),
      },
      { text: 'no temporary disk beside the output', isReached: disk === 0, found: `${megabytes(disk)} MB` },
      {
        text: 'at most 60 MB more memory for a further thread',
        isReached: two - one <= FURTHER_THREAD,
        found: `${megabytes(one)} MB with one thread, ${megabytes(two)} MB with two`,
      },
    ],
  };
}

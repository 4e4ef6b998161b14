import { statSync } from 'node:fs';
import { type Contestant, holdContest, ratioOf } from '../contest.ts';
import { gzipOf, largeArchive } from '../data.ts';
import { isInstalled, script } from '../programs.ts';
import { formatContest, megabytes, type Section, type Target, times } from '../report.ts';

const TO_REACH = 1.15;

/** Our decoder alone, beside all others there are. */
export async function benchDecoder(rounds: number): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const contestants: Contestant[] = [
    { name: 'ours', command: script('decoders/ours.ts', layer) },
    ...(['igzip', 'libdeflate-gunzip'] as const)
      .filter(isInstalled)
      .map((program) => ({ name: program, command: { program, arguments: ['-d', '-c', layer] } })),
    { name: 'node:zlib', command: script('decoders/node-zlib.ts', layer) },
    { name: 'pako', command: script('decoders/pako.ts', layer) },
    { name: 'fflate', command: script('decoders/fflate.ts', layer) },
  ];
  const contest = await holdContest('decoder', contestants, rounds);
  const targets: Target[] = [];
  if (contest.names.includes('igzip')) {
    const ratio = ratioOf(contest, 'ours', 'igzip', ({ cpu }) => cpu);
    targets.push({
      text: `CPU of ours at most ${TO_REACH} of igzip's`,
      isReached: ratio.median <= TO_REACH,
      found: times(ratio),
    });
  }
  return {
    heading: 'Decoder alone',
    setting: `A gzip of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) is decompressed to nowhere, by whole processes: the start of Node.js counts. fflate checks no checksum; the others do.`,
    tables: [formatContest(contest, 'ours')],
    targets,
  };
}

import { statSync } from 'node:fs';
import { type Candidate, checkSameDigest, compare, ratioOf, spreadOf } from '../compare.ts';
import { gzipOf, largeArchive } from '../data.ts';
import { madeEntriesLayer } from '../made-layer.ts';
import { isInstalled, ours, script } from '../measure.ts';
import { atLeast, atMost, bytesAtMost, formatComparison, megabytes, type Section, type Target } from '../report.ts';

const MIN_GZIP_GAIN = 4.5;

/** The zTOC of one large gzip layer, everything included. */
export async function benchGzipLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const referenceCommand = { program: reference, arguments: ['ztoc', layer] };
  checkSameDigest(ours('ztoc', 'create', '--json', layer), referenceCommand);
  const candidates: Candidate[] = [
    { name: 'ours', command: ours('ztoc', 'create', '--quiet', layer) },
    { name: 'reference', command: referenceCommand },
  ];
  const comparison = await compare('zTOC of a gzip layer', candidates, rounds);
  const ratio = ratioOf(comparison, 'reference', 'ours', ({ cpu }) => cpu);
  const memory = spreadOf(comparison, 'ours', ({ memory }) => memory).max;
  return {
    heading: 'zTOC of a gzip layer',
    setting: `A layer of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) of real files, from the file to the zTOC's digest, which is the same on both sides.`,
    tables: [formatComparison(comparison, 'ours')],
    targets: [
      atLeast(MIN_GZIP_GAIN, ratio, `the reference's CPU at least ${MIN_GZIP_GAIN} times ours`),
      bytesAtMost(120e6, memory, 'peak memory at most 120 MB'),
    ],
  };
}

const MAX_HASH_RATIO = 1.3;
const HASHES = 'two openssl dgst -sha256';

/** The zTOC of a plain tar, which costs two hashes: of the layer, and of its spans. */
export async function benchPlainLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const referenceCommand = { program: reference, arguments: ['ztoc', '-algorithm', 'uncompressed', archive] };
  checkSameDigest(ours('ztoc', 'create', '--json', archive), referenceCommand);
  const candidates: Candidate[] = [
    { name: 'ours', command: ours('ztoc', 'create', '--quiet', archive) },
    { name: HASHES, command: { program: 'openssl', arguments: ['dgst', '-sha256', archive, archive] } },
    { name: 'reference', command: referenceCommand },
  ];
  const comparison = await compare('zTOC of a plain layer', candidates, rounds);
  const ratio = ratioOf(comparison, 'ours', HASHES, ({ cpu }) => cpu);
  return {
    heading: 'zTOC of an uncompressed layer',
    setting: `A tar of ${megabytes(statSync(archive).size)} MB. The work is bound by SHA-256: ours takes the digest of the layer and of every span, the reference that of the spans only.`,
    tables: [formatComparison(comparison, 'ours')],
    targets: [
      atMost(MAX_HASH_RATIO, ratio, `CPU of ours at most ${MAX_HASH_RATIO} of two passes of openssl dgst -sha256`),
    ],
  };
}

const MAX_DECODER_RATIO = 1.15;

/** Our decoder alone, beside all others there are. */
export async function benchDecoder(rounds: number): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const candidates: Candidate[] = [
    { name: 'ours', command: script('decoders.ts', 'ours', layer) },
    ...(['igzip', 'libdeflate-gunzip'] as const)
      .filter(isInstalled)
      .map((program) => ({ name: program, command: { program, arguments: ['-d', '-c', layer] } })),
    { name: 'node:zlib', command: script('decoders.ts', 'node:zlib', layer) },
    { name: 'pako', command: script('decoders.ts', 'pako', layer) },
    { name: 'fflate', command: script('decoders.ts', 'fflate', layer) },
  ];
  const comparison = await compare('decoder', candidates, rounds);
  const targets: Target[] = [];
  if (comparison.names.includes('igzip')) {
    const ratio = ratioOf(comparison, 'ours', 'igzip', ({ cpu }) => cpu);
    targets.push(atMost(MAX_DECODER_RATIO, ratio, `CPU of ours at most ${MAX_DECODER_RATIO} of igzip's`));
  }
  return {
    heading: 'Decoder alone',
    setting: `A gzip of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) is decompressed to nowhere, by whole processes: the start of Node.js counts. fflate checks no checksum; the others do.`,
    tables: [formatComparison(comparison, 'ours')],
    targets,
  };
}

const COUNTS = [125_000, 250_000, 500_000, 1_000_000] as const;
/** How much dearer an entry may be among eight times as many. */
const LINEAR_WITHIN = 1.25;

/** Layers of very many entries: time must grow with their number, not faster. */
export async function benchEntries(rounds: number, reference: string): Promise<Section> {
  const layers = await Promise.all(COUNTS.map(async (count) => ({ count, layer: await madeEntriesLayer(count) })));
  const largest = { program: reference, arguments: ['ztoc', layers.at(-1)?.layer ?? ''] };
  const candidates: Candidate[] = [
    ...layers.map(({ count, layer }) => ({ name: nameOf(count), command: ours('ztoc', 'create', '--quiet', layer) })),
    { name: 'reference, 1,000,000 entries', command: largest },
  ];
  const comparison = await compare('entries', candidates, rounds);
  const cpu = (count: number) => spreadOf(comparison, nameOf(count), (measurement) => measurement.cpu).median;
  const growth = (cpu(1_000_000) - cpu(500_000)) / 500_000 / ((cpu(500_000) - cpu(250_000)) / 250_000);
  return {
    heading: 'A million entries',
    setting: 'Gzip layers of empty files with paths of usual length.',
    tables: [formatComparison(comparison)],
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

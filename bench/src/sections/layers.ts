import { statSync } from 'node:fs';
import { type Candidate, checkSameDigest, compare, ratioOf, spreadOf } from '../compare.ts';
import { gzipOf, largeArchive, MEMBER_SIZE, membersOf } from '../data.ts';
import { gzipLayerWithEntries } from '../generate-layer.ts';
import { isInstalled, script, sociIndex } from '../measure.ts';
import { ratiosOf } from '../quick/ratios.ts';
import { atLeast, atMost, bytesAtMost, formatComparison, megabytes, type Section, type Target } from '../report.ts';

const OURS = 'soci-index, 1 thread';
const OURS_TWO_THREADS = 'soci-index, 2 threads';
const REFERENCE = 'reference';
const IGZIP = 'igzip';
const HASHES = 'openssl dgst -sha256, twice';

const MIN_CPU_GAIN = 3.7;
const MIN_WALL_GAIN = 4.8;
/** Maximum CPU time for the zTOC of a gzip layer: times that to decompress the layer and to hash it twice. */
const MAX_BOUND_RATIO = 1.2;

/** Measures the zTOC of one large gzip layer. */
export async function benchGzipLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const referenceCommand = { program: reference, arguments: ['ztoc', layer] };
  checkSameDigest(sociIndex('ztoc', 'create', '--json', layer), referenceCommand);
  const candidates: Candidate[] = [
    { name: OURS, command: sociIndex('ztoc', 'create', '--quiet', '--jobs', '1', layer) },
    { name: OURS_TWO_THREADS, command: sociIndex('ztoc', 'create', '--quiet', '--jobs', '2', layer) },
    { name: REFERENCE, command: referenceCommand },
    ...(isInstalled(IGZIP) ? [{ name: IGZIP, command: { program: IGZIP, arguments: ['-d', '-c', layer] } }] : []),
    { name: HASHES, command: { program: 'openssl', arguments: ['dgst', '-sha256', layer, layer] } },
  ];
  const comparison = await compare('zTOC of a gzip layer', candidates, rounds);
  const cpu = ratioOf(comparison, REFERENCE, OURS, (measurement) => measurement.cpu);
  const wall = ratioOf(comparison, REFERENCE, OURS_TWO_THREADS, (measurement) => measurement.wall);
  const bound = ratiosOf(comparison, [{ name: '', of: OURS, by: [IGZIP, HASHES] }]).get('');
  const memory = (name: string) => spreadOf(comparison, name, (measurement) => measurement.memory).max;
  return {
    heading: 'zTOC of a gzip layer',
    summary: `For the zTOC of a gzip layer, the reference needs ${cpu.median.toFixed(2)} times the CPU time of soci-index on one thread.`,
    setup: `A layer of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) with real files. soci-index and the reference read the file and print the digest of its zTOC. Both digests are equal. igzip decompresses the layer, and openssl hashes it twice: a zTOC contains digests of all spans, and needs the digest of the layer.`,
    tables: [formatComparison(comparison, OURS)],
    targets: [
      atLeast(MIN_CPU_GAIN, cpu, `the reference needs at least ${MIN_CPU_GAIN} times the CPU time of one thread`),
      atLeast(MIN_WALL_GAIN, wall, `the reference needs at least ${MIN_WALL_GAIN} times the wall time of two threads`),
      ...(bound
        ? [atMost(MAX_BOUND_RATIO, bound, `at most ${MAX_BOUND_RATIO} times the CPU time of igzip and openssl`)]
        : []),
      bytesAtMost(120e6, memory(OURS), 'peak memory at most 120 MB on one thread'),
      bytesAtMost(160e6, memory(OURS_TWO_THREADS), 'peak memory at most 160 MB on two threads'),
    ],
  };
}

/** Maximum wall time of two threads for a layer of many members: times that of one thread. */
const MAX_MEMBERS_RATIO = 0.65;
const MAX_TWO_THREADS_MEMORY = 160e6;

/** Measures the zTOC of a gzip layer of many members, of the size that bgzip writes, on one and two threads. */
export async function benchMembers(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const layer = await membersOf(archive);
  checkSameDigest(sociIndex('ztoc', 'create', '--json', layer), { program: reference, arguments: ['ztoc', layer] });
  const candidates: Candidate[] = ([OURS, OURS_TWO_THREADS] as const).map((name, i) => ({
    name,
    command: sociIndex('ztoc', 'create', '--quiet', '--jobs', String(i + 1), layer),
  }));
  const comparison = await compare('layer of many members', candidates, rounds);
  const wall = ratioOf(comparison, OURS_TWO_THREADS, OURS, (measurement) => measurement.wall);
  const memory = spreadOf(comparison, OURS_TWO_THREADS, (measurement) => measurement.memory).max;
  return {
    heading: 'zTOC of a gzip layer of many members',
    setup: `The archive of the section before, compressed as members of ${MEMBER_SIZE / 1024} KiB: ${megabytes(statSync(layer).size)} MB. With two threads, one decompresses all members. The digest of the zTOC is that of the reference.`,
    tables: [formatComparison(comparison, OURS)],
    targets: [
      atMost(MAX_MEMBERS_RATIO, wall, `two threads need at most ${MAX_MEMBERS_RATIO} times the wall time of one`),
      bytesAtMost(MAX_TWO_THREADS_MEMORY, memory, 'peak memory of two threads at most 160 MB'),
    ],
  };
}

const MAX_HASH_RATIO = 1.3;

/** Measures the zTOC of a plain tar, which needs two hashes: of the layer and of its spans. */
export async function benchPlainLayer(rounds: number, reference: string): Promise<Section> {
  const archive = await largeArchive();
  const referenceCommand = { program: reference, arguments: ['ztoc', '-algorithm', 'uncompressed', archive] };
  checkSameDigest(sociIndex('ztoc', 'create', '--json', archive), referenceCommand);
  const candidates: Candidate[] = [
    { name: 'soci-index', command: sociIndex('ztoc', 'create', '--quiet', archive) },
    { name: HASHES, command: { program: 'openssl', arguments: ['dgst', '-sha256', archive, archive] } },
    { name: 'reference', command: referenceCommand },
  ];
  const comparison = await compare('zTOC of a plain layer', candidates, rounds);
  const ratio = ratioOf(comparison, 'soci-index', HASHES, ({ cpu }) => cpu);
  return {
    heading: 'zTOC of an uncompressed layer',
    setup: `A tar of ${megabytes(statSync(archive).size)} MB. SHA-256 takes most of the time: soci-index hashes the layer and every span, the reference only the spans.`,
    tables: [formatComparison(comparison, 'soci-index')],
    targets: [
      atMost(MAX_HASH_RATIO, ratio, `at most ${MAX_HASH_RATIO} times the CPU time of openssl dgst -sha256, twice`),
    ],
  };
}

const MAX_DECODER_RATIO = 1.15;
const OUR_DECODER = '@soci/ztoc';

/** Measures our decoder and other decoders. */
export async function benchDecoder(rounds: number): Promise<Section> {
  const archive = await largeArchive();
  const layer = await gzipOf(archive);
  const candidates: Candidate[] = [
    { name: OUR_DECODER, command: script('decoders.ts', OUR_DECODER, layer) },
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
    const ratio = ratioOf(comparison, OUR_DECODER, 'igzip', ({ cpu }) => cpu);
    targets.push(atMost(MAX_DECODER_RATIO, ratio, `at most ${MAX_DECODER_RATIO} times the CPU time of igzip`));
  }
  return {
    heading: 'Decoder alone',
    setup: `A gzip file of ${megabytes(statSync(layer).size)} MB (${megabytes(statSync(archive).size)} MB decompressed) is decompressed and the output discarded. The start of Node.js is included. fflate verifies no checksum; the others do.`,
    tables: [formatComparison(comparison, OUR_DECODER)],
    targets,
  };
}

const COUNTS = [125_000, 250_000, 500_000, 1_000_000] as const;
/** Maximum peak memory for a million entries, in bytes. */
const MAX_ENTRIES_MEMORY = 300e6;
/** Maximum growth of the CPU time for each added entry. */
const MAX_ENTRY_GROWTH = 1.25;

/** Measures layers with many entries. Time must grow linearly with their number. */
export async function benchEntries(rounds: number, reference: string): Promise<Section> {
  const layers = await Promise.all(COUNTS.map(async (count) => ({ count, layer: await gzipLayerWithEntries(count) })));
  const largest = { program: reference, arguments: ['ztoc', layers.at(-1)?.layer ?? ''] };
  const candidates: Candidate[] = [
    ...layers.map(({ count, layer }) => ({
      name: nameOf(count),
      command: sociIndex('ztoc', 'create', '--quiet', layer),
    })),
    { name: 'reference, 1,000,000 entries', command: largest },
  ];
  const comparison = await compare('entries', candidates, rounds);
  const cpu = (count: number) => spreadOf(comparison, nameOf(count), (measurement) => measurement.cpu).median;
  const growth = (cpu(1_000_000) - cpu(500_000)) / 500_000 / ((cpu(500_000) - cpu(250_000)) / 250_000);
  return {
    heading: 'A million entries',
    setup: 'Gzip layers of empty files with paths of typical length.',
    tables: [formatComparison(comparison)],
    targets: [
      {
        goal: `the CPU time for each added entry from 500,000 to 1,000,000 is at most ${MAX_ENTRY_GROWTH} times that from 250,000 to 500,000`,
        isReached: growth <= MAX_ENTRY_GROWTH,
        measured: `${growth.toFixed(2)} times`,
      },
      bytesAtMost(
        MAX_ENTRIES_MEMORY,
        spreadOf(comparison, nameOf(1_000_000), ({ memory }) => memory).max,
        'peak memory at most 300 MB for a million entries',
      ),
    ],
  };
}

function nameOf(count: number): string {
  return `soci-index, ${count.toLocaleString('en-US')} entries`;
}

/**
 * `npm run bench -- [--rounds N] [--only SECTION]...`: measures our builds beside the reference's and other decoders', prints the
 * result as Markdown and, when every section was run, writes it to docs/benchmarks.md. Needs GNU time, Go and the built packages.
 */
import { parseArgs } from 'node:util';
import { buildReference } from './measure.ts';
import { describeMachine, formatSection, type Section, writeReport } from './report.ts';
import { benchImage, benchRegistry, benchSlowNetwork } from './sections/images.ts';
import { benchDecoder, benchEntries, benchGzipLayer, benchPlainLayer } from './sections/layers.ts';
import { benchMemory, benchRegistryMemory } from './sections/memory.ts';

const SECTIONS: Readonly<Record<string, (rounds: number, reference: string) => Promise<Section>>> = {
  'gzip-layer': benchGzipLayer,
  decoder: benchDecoder,
  'plain-layer': benchPlainLayer,
  image: benchImage,
  registry: benchRegistry,
  'slow-network': benchSlowNetwork,
  memory: benchMemory,
  'registry-memory': benchRegistryMemory,
  entries: benchEntries,
};

const REPORT = new URL('../../docs/benchmarks.md', import.meta.url);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true, default: Object.keys(SECTIONS) },
  },
});

process.exitCode = await main(Number(values.rounds), values.only);

async function main(rounds: number, names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !(name in SECTIONS));
  if (unknown !== undefined || !(rounds >= 1)) {
    console.error(`usage: npm run bench -- [--rounds N] [--only ${Object.keys(SECTIONS).join('|')}]...`);
    return 2;
  }
  const reference = buildReference();
  if (reference === undefined) {
    console.log(
      'skipped: the reference cannot be built. Missing: Go 1.26 or newer, and a C compiler with zlib headers (Debian: gcc, zlib1g-dev)',
    );
    return 0;
  }
  const sections: string[] = [];
  for (const name of names)
    sections.push(formatSection(await (SECTIONS[name] as (typeof SECTIONS)[string])(rounds, reference)));
  const report = [introduction(rounds), ...sections].join('\n\n');
  console.log(report);
  if (names.length === Object.keys(SECTIONS).length) writeReport(REPORT, report);
  return 0;
}

function introduction(rounds: number): string {
  return `# Benchmarks

Written by \`npm run bench\`: whole processes, measured by the kernel (CPU is user and system time of all threads), each taking its
turn in ${rounds} rounds after one that is not counted. Values are medians with the least and the greatest; a ratio is the median of the
rounds' own ratios. MB are millions of bytes. The reference is soci-snapshotter v0.16.1, run by the program in \`conformance/reference\`.

Machine: ${describeMachine()}.`;
}

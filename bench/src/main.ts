/**
 * `npm run bench -- [--rounds N] [--only SECTION]...`: measures this project, the reference and other tools, and prints the result as
 * Markdown. A run of all sections also writes docs/benchmarks.md. Requires GNU time, Go and the built packages.
 *
 * `npm run bench -- runtime [OPTIONS]`: measures how long containers take to start.
 *
 * `npm run bench -- plan [OPTIONS]`: plans a registry of 500,000 images.
 *
 * `npm run bench -- pushes [OPTIONS]`: pushes images while a backfill runs.
 *
 * `npm run bench -- lambda [OPTIONS]`: indexes images with the memory sizes of AWS Lambda.
 *
 * `npm run bench -- --quick [OPTIONS]`: compares a few ratios with the committed ones.
 */
import { parseArgs } from 'node:util';
import { benchLambda } from './lambda/main.ts';
import { buildReference } from './measure.ts';
import { benchPlan } from './plan/main.ts';
import { benchPushes } from './pushes/main.ts';
import { benchQuick } from './quick/main.ts';
import { BENCHMARKS_PAGE, describeMachine, formatSection, type Section, writeReport } from './report.ts';
import { benchRuntime } from './runtime/main.ts';
import { benchImage, benchRegistry, benchSlowNetwork } from './sections/images.ts';
import { benchDecoder, benchEntries, benchGzipLayer, benchMembers, benchPlainLayer } from './sections/layers.ts';
import { benchLargeImage, benchMemory, benchRegistryMemory } from './sections/memory.ts';
import { benchLargeBlob } from './sections/network.ts';
import { benchProfiles } from './sections/profiles.ts';

const SECTIONS: Readonly<Record<string, (rounds: number, reference: string) => Promise<Section>>> = {
  'gzip-layer': benchGzipLayer,
  members: benchMembers,
  decoder: benchDecoder,
  'plain-layer': benchPlainLayer,
  image: benchImage,
  registry: benchRegistry,
  'slow-network': benchSlowNetwork,
  'large-blob': benchLargeBlob,
  memory: benchMemory,
  'registry-memory': benchRegistryMemory,
  'large-image': benchLargeImage,
  entries: benchEntries,
  profiles: benchProfiles,
};

const COMMANDS: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = {
  runtime: benchRuntime,
  plan: benchPlan,
  pushes: benchPushes,
  lambda: benchLambda,
  '--quick': benchQuick,
};

const [first = '', ...others] = process.argv.slice(2);
const command = COMMANDS[first];
process.exitCode = command === undefined ? await benchIndexing(process.argv.slice(2)) : await command(others);

async function benchIndexing(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', multiple: true, default: Object.keys(SECTIONS) },
    },
  });
  return main(Number(values.rounds), values.only);
}

async function main(rounds: number, names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !(name in SECTIONS));
  if (unknown !== undefined || !(rounds >= 1)) {
    console.error(`usage: npm run bench -- [--rounds N] [--only ${Object.keys(SECTIONS).join('|')}]...`);
    return 2;
  }
  const reference = buildReference();
  if (reference === undefined) {
    console.log(
      'skipped: cannot build the reference. Install Go 1.26 or later, and a C compiler with the zlib headers (Debian: gcc, zlib1g-dev)',
    );
    return 0;
  }
  const sections: Section[] = [];
  for (const name of names) sections.push(await (SECTIONS[name] as (typeof SECTIONS)[string])(rounds, reference));
  const report = [introduction(rounds, sections), ...sections.map(formatSection)].join('\n\n');
  console.log(report);
  if (names.length === Object.keys(SECTIONS).length) writeReport(BENCHMARKS_PAGE, report);
  return 0;
}

function introduction(rounds: number, sections: readonly Section[]): string {
  const summaries = sections.map(({ summary }) => summary).filter((summary) => summary !== undefined);
  return `# Benchmarks

${summaries.join(' ')} \`npm run bench\` writes this page.

All values are for whole processes: CPU is the user and system time of all threads. The programs alternate for ${rounds} rounds,
after one warm-up round. Times are medians with minimum and maximum; memory and disk are maxima. A ratio is the median of the ratios of
the rounds. MB are millions of bytes. The reference is soci-snapshotter v0.16.1, run by the program in \`conformance/reference\`.

Machine: ${describeMachine()}.`;
}

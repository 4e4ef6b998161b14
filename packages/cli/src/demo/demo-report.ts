import type { ConvertedImage, LayerReport } from '@soci/index';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { LAYER_COLUMNS, layerRow, reportAsJson } from '../image/index-report.ts';
import { countRead } from '../image/verify-indexes.ts';
import type { Output } from '../terminal/output.ts';
import { countOf, drawBar, formatBytes, formatSeconds, formatShare } from '../terminal/quantity.ts';
import { printable } from '../terminal/text-width.ts';
import type { ImageLocation } from '../transports/location.ts';
import type { DemoImage } from './demo-image.ts';
import type { Proof } from './prove-readable.ts';

/** Everything that the demonstration has come to. */
export interface DemoReport {
  /** The image that was made for it; undefined where the person has brought one. */
  readonly made: DemoImage | undefined;
  readonly source: ImageLocation;
  readonly destination: ImageLocation;
  readonly result: ConvertedImage;
  /** Wall time of indexing the image and writing the result. */
  readonly seconds: number;
  readonly proof: Proof;
}

const BAR_WIDTH = 20;

/** What `demo --json` prints. */
export function demoAsJson({ source, destination, result, seconds, proof }: DemoReport): object {
  return {
    source: source.text,
    destination: destination.text,
    root: result.root,
    ...reportAsJson(result),
    verified: { valid: proof.verification.isValid, ...countRead(proof.verification) },
    reading: proof.costs,
    seconds: Number(seconds.toFixed(3)),
  };
}

/** Prints the report. */
export async function printDemo(report: DemoReport, output: Output): Promise<void> {
  const { bold } = output.style;
  await output.writeLine();
  for (const line of tellSteps(report)) await output.writeLine(line);
  await output.writeLine();
  await printLayers(report, output);
  await printCosts(report, output);
  await output.writeLine();
  await output.writeLine(bold('Go on with'));
  const { destination, proof } = report;
  const file = proof.costs.at(0)?.name ?? 'FILE';
  for (const command of [
    `inspect ${destination.text}`,
    `ls ${destination.text} /${printable(file.split('/').slice(0, -1).join('/'))}`,
    `cat ${destination.text} /${printable(file)}`,
    'convert --help',
  ]) {
    await output.writeLine(`  npx soci-index ${command}`);
  }
  if (report.made) await output.writeLine('  npm start -- oci:DIR   to see the same of your own image');
}

function tellSteps({ made, source, destination, result, seconds, proof }: DemoReport): string[] {
  const size = result.layers.reduce((sum, layer) => sum + layer.size, 0);
  const ztocs = result.layers.reduce((sum, layer) => sum + (layer.status === 'indexed' ? layer.ztoc.size : 0), 0);
  const spans = result.layers.reduce((sum, layer) => sum + (layer.status === 'indexed' ? layer.spans : 0), 0);
  const { filesRead, spansRead } = countRead(proof.verification);
  const image = made
    ? `${countOf(made.files, 'file')} of this machine, ${formatBytes(made.size)}, as ${countOf(made.titles.length, 'layer')} of ${formatBytes(size)}`
    : `${countOf(result.layers.length, 'layer')}, ${formatBytes(size)}`;
  const when = made ? (made.seconds === undefined ? 'made earlier' : formatSeconds(made.seconds)) : '';
  const proven = proof.verification.isValid
    ? `${countOf(filesRead, 'file')} read back through ${countOf(spansRead, 'span')}: every byte is right`
    : 'files do not read back right';
  return [
    step('Image', source.text, image, when),
    step(
      'Indexed',
      destination.text,
      `${countOf(spans, 'span')}, zTOCs of ${formatBytes(ztocs)} (${formatShare(ztocs, size)} of the image)`,
      formatSeconds(seconds),
    ),
    step('Proven', '', proven, formatSeconds(proof.seconds)),
  ].flat();
}

function step(title: string, place: string, told: string, time: string): string[] {
  return [
    `${title.padEnd(8)} ${told}${time === '' ? '' : `  ${time}`}`,
    ...(place === '' ? [] : [`${' '.repeat(9)}${place}`]),
  ];
}

async function printLayers({ made, result }: DemoReport, output: Output): Promise<void> {
  const rows = result.layers.map((layer: LayerReport, index) => {
    const [digest = '', ...rest] = layerRow(layer, DEFAULT_MIN_LAYER_SIZE);
    return [made?.titles[index] ?? digest, ...rest];
  });
  await output.writeTable(LAYER_COLUMNS, rows);
}

async function printCosts({ result, proof }: DemoReport, output: Output): Promise<void> {
  const { bold, green, dim } = output.style;
  const size = result.layers.reduce((sum, layer) => sum + layer.size, 0);
  await output.writeLine();
  await output.writeLine(bold(`To read one file, this much of the ${formatBytes(size)} must be fetched`));
  for (const { name, size: fileSize, bytesToFetch } of proof.costs) {
    const bar = drawBar(bytesToFetch, size, BAR_WIDTH);
    await output.writeLine(
      `  ${green(bar)} ${formatShare(bytesToFetch, size).padStart(7)}  ${formatBytes(bytesToFetch).padStart(8)}  ${printable(name)} ${dim(`(${formatBytes(fileSize)})`)}`,
    );
  }
  await output.writeLine(dim(`  Without an index: 100 %, unpacked before anything can start.`));
}

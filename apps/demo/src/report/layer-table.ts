import { type Column, formatBytes, formatCount, type Output, printable, shortDigest } from '@soci/cli/internal';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { type Descriptor, formatPlatform } from '@soci/oci';
import type { Proof } from '../prove-readable.ts';

const COLUMNS: readonly Column[] = [
  { title: 'LAYER', flexible: true },
  { title: 'SIZE', align: 'right' },
  { title: 'FILES', align: 'right' },
  { title: 'SPANS', align: 'right' },
  { title: 'ZTOC', flexible: true },
  { title: 'SIZE', align: 'right' },
];

/**
 * Prints the layers of a converted image, each with its zTOC or why it has none.
 *
 * @param titles - What the layers are called, where that is known.
 */
export async function printLayers(
  { image, verification }: Proof,
  titles: readonly string[],
  minLayerSize: number | undefined,
  output: Output,
): Promise<void> {
  const byDigest = new Map(verification.layers.map((report) => [report.layer, report]));
  const row = (layer: Descriptor, index: number): string[] => {
    const name = titles[index] ?? shortDigest(layer.digest);
    const report = byDigest.get(layer.digest);
    if (report === undefined) return [name, formatBytes(layer.size), '', '', whyNone(layer, minLayerSize)];
    const { files, spans, ztoc } = report;
    return [
      name,
      formatBytes(layer.size),
      formatCount(files),
      formatCount(spans),
      shortDigest(ztoc.digest),
      formatBytes(ztoc.size),
    ];
  };
  for (const { platform, layers } of image.images) {
    await output.writeLine();
    const where = image.images.length > 1 ? ` for ${printable(formatPlatform(platform))}` : '';
    await output.writeLine(output.style.bold(`The layers${where}, each with its table of contents (zTOC)`));
    await output.writeTable(COLUMNS, layers.map(row), '  ');
  }
}

function whyNone({ mediaType, size }: Descriptor, minLayerSize: number = DEFAULT_MIN_LAYER_SIZE): string {
  if (size < minLayerSize) return `none: < ${formatBytes(minLayerSize)}`;
  return `none: ${printable(mediaType)}`;
}

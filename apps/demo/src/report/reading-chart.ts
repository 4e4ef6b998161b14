import { drawBar, formatBytes, formatShare, type Output, printable, shorten } from '@soci/cli/internal';
import type { ReadingCost } from '../reading-cost.ts';

/** Shows how little of the image must be fetched to read single files of it. */
export async function printCosts(imageSize: number, costs: readonly ReadingCost[], output: Output): Promise<void> {
  const { bold, green, dim } = output.style;
  const barWidth = output.width < 100 ? 12 : 20;
  const row = (bytes: number, name: string) => {
    const facts = `${formatShare(bytes, imageSize).padStart(7)}  ${formatBytes(bytes).padStart(8)}  `;
    return `  ${green(drawBar(bytes, imageSize, barWidth))}${facts}${shorten(name, Math.max(20, output.width - barWidth - 22))}`;
  };
  await output.writeLine();
  await output.writeLine(bold('To read one file, so much of the image must be fetched'));
  for (const { name, size, bytesToFetch } of costs) {
    await output.writeLine(row(bytesToFetch, `${printable(name)}, ${formatBytes(size)}`));
  }
  await output.writeLine(dim(row(imageSize, 'any file, without the index')));
}

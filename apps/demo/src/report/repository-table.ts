import { type Column, countOf, formatBytes, type Output, printable, shortDigest } from '@soci/cli/internal';
import type { InventoryItem } from '../inventory.ts';

const COLUMNS: readonly Column[] = [
  { title: 'TAG' },
  { title: 'DIGEST' },
  { title: 'SIZE', align: 'right' },
  { title: 'WHAT IT IS', flexible: true },
];

/** Prints what is in the repository when all is done. */
export async function printInventory(
  repository: string,
  items: readonly InventoryItem[],
  output: Output,
): Promise<void> {
  await output.writeLine();
  await output.writeLine(output.style.bold(`In the repository "${repository}" now`));
  const rows = items.map((item) => [
    printable(item.tag),
    shortDigest(item.digest),
    formatBytes(item.size),
    `${item.tag === '' ? '- ' : ''}${describeItem(item)}`,
  ]);
  await output.writeTable(COLUMNS, rows, '  ');
}

function describeItem({ kind, parts }: InventoryItem): string {
  switch (kind) {
    case 'image':
      return `image of ${countOf(parts, 'layer')}`;
    case 'image-index':
      return `image index of ${countOf(parts, 'manifest')}`;
    case 'soci-enabled':
      return `SOCI-enabled image, which lists:`;
    case 'soci-index':
      return `SOCI index: zTOCs of ${countOf(parts, 'layer')}`;
    case 'other':
      return 'another manifest';
  }
}

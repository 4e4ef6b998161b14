import { digestOf } from '@soci/oci';
import { listSpans, spanSizeOf, type Ztoc } from '@soci/ztoc';
import { defineCommand, EXIT } from '../command/command.ts';
import { readZtocFile } from '../files/read-file.ts';
import { formatBytes, formatCount } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

export const command = defineCommand({
  operands: [{ name: 'ZTOC', help: 'zTOC file' }],
  options: {},
  examples: [{ purpose: 'show the number of files and spans', line: 'ztoc info layer.tar.gz.ztoc' }],
  async run({ operands: [path = ''] }, { output, signal }) {
    const { ztoc, bytes } = await readZtocFile(path, signal);
    const info = {
      digest: digestOf(bytes),
      size: bytes.length,
      version: ztoc.version,
      buildToolIdentifier: ztoc.buildToolIdentifier,
      compression: ztoc.compression,
      maxSpanId: ztoc.maxSpanId,
      spanSize: spanSizeOf(ztoc),
      ...sizesOf(ztoc),
      files: ztoc.files.length,
      compressedArchiveSize: ztoc.compressedArchiveSize,
      uncompressedArchiveSize: ztoc.uncompressedArchiveSize,
    };
    if (output.json) {
      await output.writeJson(info);
    } else if (output.quiet) {
      await output.writeLine(info.digest);
    } else {
      const { bold } = output.style;
      const exact = (size: number) => `${formatBytes(size)} (${formatCount(size)} bytes)`;
      for (const [name, value] of [
        ['digest', info.digest],
        ['size', exact(info.size)],
        ['version', printable(info.version)],
        ['build tool', printable(info.buildToolIdentifier)],
        ['layer', `${info.compression}, ${exact(info.compressedArchiveSize)}`],
        ['uncompressed', exact(info.uncompressedArchiveSize)],
        ['entries', formatCount(info.files)],
        ['span size', exact(info.spanSize)],
        ['spans', describeSpans(info)],
      ] as const) {
        await output.writeLine(`${bold(name.padEnd(12))}  ${value}`);
      }
    }
    return EXIT.SUCCESS;
  },
});

/** Returns the uncompressed sizes of the smallest and largest span. They can differ from the span size, which is a minimum. */
function sizesOf(ztoc: Ztoc): { readonly smallestSpan?: number; readonly largestSpan?: number } {
  const sizes = listSpans(ztoc).map(({ uncompressedStart, uncompressedEnd }) => uncompressedEnd - uncompressedStart);
  if (sizes.length === 0) return {};
  const smaller = (a: number, b: number) => Math.min(a, b);
  const larger = (a: number, b: number) => Math.max(a, b);
  return { smallestSpan: sizes.reduce(smaller), largestSpan: sizes.reduce(larger) };
}

function describeSpans({
  maxSpanId,
  smallestSpan,
  largestSpan,
}: { readonly maxSpanId: number } & ReturnType<typeof sizesOf>) {
  const count = formatCount(maxSpanId + 1);
  if (smallestSpan === undefined || largestSpan === undefined) return count;
  const [from, to] = [formatBytes(smallestSpan), formatBytes(largestSpan)];
  return from === to ? `${count} (${from})` : `${count} (${from} to ${to})`;
}

import { digestOf } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { readZtocFile } from '../files/read-file.ts';
import { formatBytes, formatCount } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

export const command = defineCommand({
  operands: [{ name: 'ZTOC', help: 'zTOC file' }],
  options: {},
  examples: [{ purpose: 'show the number of files and spans', line: 'ztoc info layer.tar.gz.ztoc' }],
  async run({ operands: [path = ''] }, { output }) {
    const { ztoc, bytes } = await readZtocFile(path);
    const info = {
      digest: digestOf(bytes),
      size: bytes.length,
      version: ztoc.version,
      buildToolIdentifier: ztoc.buildToolIdentifier,
      compression: ztoc.compression,
      maxSpanId: ztoc.maxSpanId,
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
        ['spans', formatCount(info.maxSpanId + 1)],
      ] as const) {
        await output.writeLine(`${bold(name.padEnd(12))}  ${value}`);
      }
    }
    return EXIT.SUCCESS;
  },
});

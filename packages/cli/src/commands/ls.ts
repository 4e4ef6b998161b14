import type { ImageDirectoryItem } from '@soci/index';
import { defineCommand, EXIT } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { fileAsJson, fileAsLine, printFiles } from '../files/print-files.ts';
import { FILESYSTEM_OPTIONS, withImageFilesystem } from '../image/image-filesystem.ts';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/text.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: ['Layers without a zTOC are read whole.'],
  operands: [
    { name: 'SRC', help: `the image: ${IMAGE_FORMS}` },
    { name: 'PATH', help: 'the folder in it; the root where it is left out', optional: true },
  ],
  options: FILESYSTEM_OPTIONS,
  examples: [{ purpose: 'what is in a folder of an image?', line: 'ls oci:app-soci:v1 /usr/local/bin' }],
  async run(given, context) {
    const { output } = context;
    const [, path = ''] = given.operands;
    await withImageFilesystem(given, context, async (files) => {
      const reached = await files.realpath(path);
      const file = await files.lookup(reached);
      if (file === undefined) throw new CliError('ENTRY_NOT_FOUND', `the image has no ${path}`);
      if (file.entry !== undefined && file.entry.type !== 'dir') {
        await printFiles([file.entry], output);
        return;
      }
      const items = (await files.readdir(reached)) ?? [];
      if (items.length > 0) await output.writeLine(items.map((item) => showItem(item, output)).join('\n'));
    });
    return EXIT.DONE;
  },
});

/** One name of a folder; there is more to say of it where a layer has an entry of it. */
function showItem({ name, entry }: ImageDirectoryItem, output: Output): string {
  const shown = `${printable(name)}${entry === undefined || entry.type === 'dir' ? '/' : ''}`;
  if (output.json) return JSON.stringify(entry === undefined ? { name, type: 'dir' } : fileAsJson(entry));
  return output.quiet || entry === undefined ? shown : fileAsLine(entry, shown);
}

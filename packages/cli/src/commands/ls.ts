import type { ImageDirectoryItem } from '@soci/index';
import { escapeText } from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { fileAsJson, fileAsLine, printFiles } from '../files/print-files.ts';
import { FILESYSTEM_OPTIONS, warnAboutUnreadable, withImageFilesystem } from '../image/image-filesystem.ts';
import type { Output } from '../terminal/output.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'Lists the files that a container sees: the layers are merged. The files come from the zTOCs; a layer without a zTOC ' +
      'is read completely. A layer that cannot be read is named in a warning.',
  ],
  operands: [
    { name: 'SRC', help: IMAGE_FORMS },
    { name: 'PATH', help: 'directory in the image (default: the root)', optional: true },
  ],
  options: FILESYSTEM_OPTIONS,
  examples: [{ purpose: 'list a directory of an image', line: 'ls oci:app-soci:v1 /usr/local/bin' }],
  async run(args, context) {
    const { output } = context;
    const [, path = ''] = args.operands;
    await withImageFilesystem(args, context, async (files) => {
      const reached = await files.realpath(path);
      const file = await files.lookup(reached);
      if (file === undefined) throw new CliError('ENTRY_NOT_FOUND', `the image has no file or directory ${path}`);
      if (file.entry !== undefined && file.entry.type !== 'dir') {
        await printFiles([file.entry], output);
        warnAboutUnreadable(file.unreadableLayers, 'It may replace or remove this file', output);
        return;
      }
      const items = (await files.readdir(reached)) ?? [];
      if (output.json) await output.writeJsonLines(items.map(itemAsJson));
      else await output.writeLines(items.map((item) => showItem(item, output)));
      const effect = 'Its files are not listed, and it may replace or remove listed ones';
      warnAboutUnreadable(files.unreadableLayers, effect, output);
    });
    return EXIT.SUCCESS;
  },
});

/** Formats one name of a directory. A parent directory that no layer has an entry for has only a name. */
function showItem({ name, entry }: ImageDirectoryItem, output: Output): string {
  const shown = `${escapeText(name)}${entry === undefined || entry.type === 'dir' ? '/' : ''}`;
  return output.quiet || entry === undefined ? shown : fileAsLine(entry, shown);
}

function itemAsJson({ name, entry }: ImageDirectoryItem): object {
  return entry === undefined ? { name, type: 'dir' } : fileAsJson(entry);
}

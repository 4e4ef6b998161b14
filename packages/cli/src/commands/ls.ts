import { parsePlatform } from '@soci/oci';
import type { FileEntry } from '@soci/ztoc';
import { valueOption } from '../arguments/option.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../arguments/registry-options.ts';
import { defineCommand, EXIT } from '../command.ts';
import { CliError } from '../errors.ts';
import { fileAsJson, fileAsLine, printFiles } from '../files/print-files.ts';
import { choosePlatform, describeImage } from '../image/describe-image.ts';
import { ImageFiles } from '../image/image-files.ts';
import type { Output } from '../terminal/output.ts';
import { printable } from '../terminal/text.ts';
import { withImageStores } from '../transports/image-stores.ts';
import { IMAGE_FORMS, parseLocation } from '../transports/location.ts';

export const ls = defineCommand({
  details: ['Layers without a zTOC are read whole.'],
  operands: [
    { name: 'SRC', help: `the image: ${IMAGE_FORMS}` },
    { name: 'PATH', help: 'the folder in it; the root where it is left out', optional: true },
  ],
  options: {
    platform: valueOption('PLATFORM', parsePlatform, 'of an image for several platforms, this one', 'p'),
    ...REGISTRY_OPTIONS,
  },
  examples: [{ purpose: 'what is in a folder of an image?', line: 'ls oci:app-soci:v1 /usr/local/bin' }],
  async run({ operands: [from = '', path = ''], options }, context) {
    const { output, signal } = context;
    const location = parseLocation(from);
    await withImageStores(await toRegistryAccess(options, [location], context), signal, async (stores) => {
      const source = await stores.openSource(location);
      const image = choosePlatform(await describeImage(source, { signal }), options.platform);
      const files = new ImageFiles(source, image, { signal });
      const reached = await files.resolve(path);
      const file = await files.find(reached);
      if (file === undefined) throw new CliError('ENTRY_NOT_FOUND', `the image has no ${path}`);
      if (file.entry !== undefined && file.entry.type !== 'dir') {
        await printFiles([file.entry], output);
        return;
      }
      const items = [...(await files.list(reached))];
      if (items.length > 0)
        await output.writeLine(items.map(([name, entry]) => showItem(name, entry, output)).join('\n'));
    });
    return EXIT.DONE;
  },
});

/** One name of a folder; there is more to say of it where a layer has an entry of it. */
function showItem(name: string, entry: FileEntry | undefined, output: Output): string {
  const shown = `${printable(name)}${entry === undefined || entry.type === 'dir' ? '/' : ''}`;
  if (output.json) return JSON.stringify(entry === undefined ? { name, type: 'dir' } : fileAsJson(entry));
  return output.quiet || entry === undefined ? shown : fileAsLine(entry, shown);
}

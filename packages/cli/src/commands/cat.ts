import { defineCommand, EXIT } from '../command/command.ts';
import { DRY_RUN_OPTION, parseText, valueOption } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { writeFileContent } from '../files/write-file.ts';
import { FILESYSTEM_OPTIONS, warnAboutUnreadable, withImageFilesystem } from '../image/image-filesystem.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'Finds the file as a container does: the topmost layer with the file wins, whiteouts are applied, and links are ' +
      'followed. A layer without a zTOC is read completely. A layer above the file that cannot be read is named in a warning.',
    'With --json, prints how the file was read instead of its content.',
  ],
  operands: [
    { name: 'SRC', help: IMAGE_FORMS },
    { name: 'PATH', help: 'file in the image' },
  ],
  options: {
    output: valueOption('FILE', parseText, 'write to FILE instead of standard output', 'o'),
    'dry-run': DRY_RUN_OPTION,
    ...FILESYSTEM_OPTIONS,
  },
  examples: [
    { purpose: 'print a file of an image in a layout', line: 'cat oci:app-soci:v1 /etc/os-release' },
    { purpose: 'print a file of an image in a registry', line: 'cat registry.example/app:v1-soci /etc/os-release' },
  ],
  async run(args, context) {
    const { output, signal } = context;
    const [, path = ''] = args.operands;
    await withImageFilesystem(args, context, async (files) => {
      const file = await files.lookup(path, { followSymlinks: true });
      if (file === undefined) throw new CliError('ENTRY_NOT_FOUND', `the image has no file ${path}`);
      if (file.entry === undefined) throw new CliError('ENTRY_NOT_A_FILE', `${path} is a directory`);
      const { output: target, 'dry-run': isDryRun } = args.options;
      const destination = { path: target, isDryRun };
      const { size, digest } = await writeFileContent(file.reader, file.entry, destination, output, signal);
      if (output.json) {
        await output.writeJson({
          name: path,
          size,
          digest,
          layer: file.layer.digest,
          spans: file.reader.spansOf(file.entry).map(({ id }) => id),
          bytesRead: files.bytesRead,
          imageSize: files.layers.reduce((sum, layer) => sum + layer.size, 0),
          ...(isDryRun && { dryRun: true }),
          ...(file.unreadableLayers.length > 0 && {
            unreadableLayers: file.unreadableLayers.map(({ layer, message }) => ({ layer: layer.digest, message })),
          }),
        });
      }
      warnAboutUnreadable(file.unreadableLayers, 'It may replace or remove this file', output);
    });
    return EXIT.SUCCESS;
  },
});

import { defineCommand, EXIT } from '../command/command.ts';
import { text, valueOption } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { writeFileContent } from '../files/write-file.ts';
import { FILESYSTEM_OPTIONS, withImageFilesystem } from '../image/image-filesystem.ts';
import { IMAGE_FORMS } from '../transports/location.ts';

export const command = defineCommand({
  details: [
    'The file is looked up as a container sees it: the topmost layer that has it counts, whiteouts and symbolic links ' +
      'are followed. Layers without a zTOC are read whole.',
    'With --json the content is not printed: what is printed says how it was read.',
  ],
  operands: [
    { name: 'SRC', help: `the image: ${IMAGE_FORMS}` },
    { name: 'PATH', help: 'the file in it' },
  ],
  options: {
    output: valueOption('FILE', text, 'write the file there, complete or not at all', 'o'),
    ...FILESYSTEM_OPTIONS,
  },
  examples: [
    { purpose: 'one file out of an image', line: 'cat oci:app-soci:v1 /etc/os-release' },
    { purpose: 'the same out of a registry', line: 'cat registry.example/app:v1-soci /etc/os-release' },
  ],
  async run(given, context) {
    const { output, signal } = context;
    const [, path = ''] = given.operands;
    await withImageFilesystem(given, context, async (files) => {
      const file = await files.lookup(path, { followSymlinks: true });
      if (file === undefined) throw new CliError('ENTRY_NOT_FOUND', `the image has no file ${path}`);
      if (file.entry === undefined) throw new CliError('ENTRY_NOT_A_FILE', `${path} is a folder`);
      const { size, digest } = await writeFileContent(file.reader, file.entry, given.options.output, output, signal);
      if (output.json) {
        await output.writeJson({
          name: path,
          size,
          digest,
          layer: file.layer.digest,
          spans: file.reader.spansOf(file.entry).map(({ id }) => id),
          bytesRead: files.bytesRead,
          imageSize: files.layers.reduce((sum, layer) => sum + layer.size, 0),
        });
      }
    });
    return EXIT.DONE;
  },
});

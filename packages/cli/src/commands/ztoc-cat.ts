import { openZtoc } from '@soci/ztoc';
import { fileSource } from '@soci/ztoc/node';
import { defineCommand, EXIT } from '../command/command.ts';
import { DRY_RUN_OPTION, parseText, valueOption } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { readZtocFile } from '../files/read-file.ts';
import { writeFileContent } from '../files/write-file.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

export const command = defineCommand({
  details: [
    'Checks each span against its digest in the zTOC. Follows symbolic links within the layer.',
    'With --json, prints how the file was read instead of its content.',
  ],
  operands: [
    { name: 'ZTOC', help: 'zTOC file of the layer' },
    { name: 'LAYER', help: 'layer blob' },
    { name: 'PATH', help: 'file in the layer; etc/passwd, ./etc/passwd and /etc/passwd are equal' },
  ],
  options: {
    output: valueOption('FILE', parseText, 'write to FILE instead of standard output', 'o'),
    'dry-run': DRY_RUN_OPTION,
  },
  examples: [{ purpose: 'print a file of a layer', line: 'ztoc cat layer.tar.gz.ztoc layer.tar.gz etc/os-release' }],
  async run({ operands: [ztocPath = '', layerPath = '', path = ''], options }, { output, signal }) {
    const { ztoc } = await readZtocFile(ztocPath, signal);
    const source = await fileSource(layerPath);
    try {
      const reader = openZtoc(ztoc, source);
      const entry = reader.lookup(path, { followSymlinks: true });
      if (entry === undefined) throw new CliError('ENTRY_NOT_FOUND', `the layer has no file ${path}`);
      const isDryRun = options['dry-run'];
      const destination = { path: options.output, isDryRun };
      const { size, digest } = await writeFileContent(reader, entry, destination, output, signal);
      if (output.json) {
        const spans = reader.spansOf(entry);
        await output.writeJson({
          name: path,
          size,
          digest,
          spans: spans.map(({ id }) => id),
          bytesRead: reader.bytesToFetch(entry),
          layerSize: source.size,
          ...(isDryRun && { dryRun: true }),
        });
      }
      return EXIT.SUCCESS;
    } catch (error) {
      if (signal.aborted || error instanceof CliError) throw error;
      throw wrapFileError(layerPath, error);
    } finally {
      await source.close();
    }
  },
});

import { openZtoc } from '@soci/ztoc';
import { fileSource } from '@soci/ztoc/node';
import { defineCommand, EXIT } from '../command/command.ts';
import { text, valueOption } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { readZtocFile } from '../files/read-file.ts';
import { writeFileContent } from '../files/write-file.ts';
import { errorIn } from '../terminal/describe-error.ts';

export const command = defineCommand({
  details: [
    'Each span is checked against the digest that the zTOC has of it. Symbolic links are followed within the layer.',
    'With --json the content is not printed: what is printed says how it was read.',
  ],
  operands: [
    { name: 'ZTOC', help: "the layer's zTOC file" },
    { name: 'LAYER', help: 'the layer blob' },
    { name: 'PATH', help: 'the file in it: etc/passwd, ./etc/passwd and /etc/passwd are the same' },
  ],
  options: { output: valueOption('FILE', text, 'write the file there, complete or not at all', 'o') },
  examples: [{ purpose: 'one file out of a layer', line: 'ztoc cat layer.tar.gz.ztoc layer.tar.gz etc/os-release' }],
  async run({ operands: [ztocPath = '', layerPath = '', path = ''], options }, { output, signal }) {
    const { ztoc } = await readZtocFile(ztocPath);
    const source = await fileSource(layerPath);
    try {
      const reader = openZtoc(ztoc, source);
      const entry = reader.lookup(path, { followSymlinks: true });
      if (entry === undefined) throw new CliError('ENTRY_NOT_FOUND', `the layer has no file ${path}`);
      const { size, digest } = await writeFileContent(reader, entry, options.output, output, signal);
      if (output.json) {
        const spans = reader.spansOf(entry);
        await output.writeJson({
          name: path,
          size,
          digest,
          spans: spans.map(({ id }) => id),
          bytesRead: reader.bytesToFetch(entry),
          layerSize: source.size,
        });
      }
      return EXIT.DONE;
    } catch (error) {
      if (signal.aborted || error instanceof CliError) throw error;
      throw errorIn(layerPath, error);
    } finally {
      await source.close();
    }
  },
});

import { defineCommand, EXIT } from '../command/command.ts';
import { printFiles } from '../files/print-files.ts';
import { readZtocFile } from '../files/read-file.ts';

export const command = defineCommand({
  details: ['Files are listed in the order of the layer. With --quiet, prints only their names.'],
  operands: [{ name: 'ZTOC', help: 'zTOC file' }],
  options: {},
  examples: [
    {
      purpose: 'list the ten largest files of a layer',
      line: 'ztoc ls --json layer.tar.gz.ztoc | jq -s "sort_by(-.size)[:10]"',
    },
  ],
  async run({ operands: [path = ''] }, { output, signal }) {
    const { ztoc } = await readZtocFile(path, signal);
    await printFiles(ztoc.files, output);
    return EXIT.SUCCESS;
  },
});

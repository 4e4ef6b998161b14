import { defineCommand, EXIT } from '../command/command.ts';
import { printFiles } from '../files/print-files.ts';
import { readZtocFile } from '../files/read-file.ts';

export const command = defineCommand({
  details: ['Files stand in the order of the layer. With --quiet only their names are printed.'],
  operands: [{ name: 'ZTOC', help: 'a zTOC file' }],
  options: {},
  examples: [
    {
      purpose: 'the largest files of a layer',
      line: 'ztoc ls --json layer.tar.gz.ztoc | jq -s "sort_by(-.size)[:10]"',
    },
  ],
  async run({ operands: [path = ''] }, { output }) {
    const { ztoc } = await readZtocFile(path);
    await printFiles(ztoc.files, output);
    return EXIT.DONE;
  },
});

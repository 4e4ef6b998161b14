import type { CommandBody, CommandEntry } from './command/command.ts';

/** Every command of the program, in the order of its help. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(
    ['convert'],
    'make a SOCI-enabled image out of an image (index version 2)',
    () => import('./commands/convert.ts'),
  ),
  entry(
    ['create'],
    'make SOCI indexes for an image that stays as it is (index version 1)',
    () => import('./commands/create.ts'),
  ),
  entry(
    ['inspect'],
    'show what is in an image: manifests, layers, SOCI indexes and which layer each zTOC belongs to',
    () => import('./commands/inspect.ts'),
  ),
  entry(
    ['verify'],
    'prove the SOCI indexes of an image: read files back through them and compare',
    () => import('./commands/verify.ts'),
  ),
  entry(
    ['ls'],
    'list a folder of an image as a container sees it, from the zTOCs alone',
    () => import('./commands/ls.ts'),
  ),
  entry(['cat'], 'print a file of an image, reading only the spans that hold it', () => import('./commands/cat.ts')),
  entry(['ztoc create'], 'make the zTOC of each layer file', () => import('./commands/ztoc-create.ts')),
  entry(['ztoc info'], 'show what a zTOC says of its layer', () => import('./commands/ztoc-info.ts')),
  entry(
    ['ztoc ls', 'ztoc list'],
    'list the files of a layer, from its zTOC alone',
    () => import('./commands/ztoc-ls.ts'),
  ),
  entry(
    ['ztoc cat', 'ztoc get-file'],
    'print a file of a layer, reading only the spans that hold it',
    () => import('./commands/ztoc-cat.ts'),
  ),
  entry(
    ['ztoc verify'],
    'prove a zTOC against its layer: read every file back and compare',
    () => import('./commands/ztoc-verify.ts'),
  ),
];

function entry(
  names: CommandEntry['names'],
  summary: string,
  load: () => Promise<{ readonly command: CommandBody }>,
): CommandEntry {
  return { names, summary, load: async () => ({ name: names[0], summary, ...(await load()).command }) };
}

import type { CommandBody, CommandEntry } from './command/command.ts';

/** Every command of the program, in the order of its help. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(
    ['convert'],
    'make a SOCI-enabled image out of an image (index version 2)',
    async () => (await import('./commands/convert.ts')).convert,
  ),
  entry(
    ['create'],
    'make SOCI indexes for an image that stays as it is (index version 1)',
    async () => (await import('./commands/create.ts')).create,
  ),
  entry(
    ['inspect'],
    'show what is in an image: manifests, layers, SOCI indexes and which layer each zTOC belongs to',
    async () => (await import('./commands/inspect.ts')).inspect,
  ),
  entry(
    ['verify'],
    'prove the SOCI indexes of an image: read files back through them and compare',
    async () => (await import('./commands/verify.ts')).verify,
  ),
  entry(
    ['ls'],
    'list a folder of an image as a container sees it, from the zTOCs alone',
    async () => (await import('./commands/ls.ts')).ls,
  ),
  entry(
    ['cat'],
    'print a file of an image, reading only the spans that hold it',
    async () => (await import('./commands/cat.ts')).cat,
  ),
  entry(
    ['ztoc create'],
    'make the zTOC of each layer file',
    async () => (await import('./commands/ztoc-create.ts')).ztocCreate,
  ),
  entry(
    ['ztoc info'],
    'show what a zTOC says of its layer',
    async () => (await import('./commands/ztoc-info.ts')).ztocInfo,
  ),
  entry(
    ['ztoc ls', 'ztoc list'],
    'list the files of a layer, from its zTOC alone',
    async () => (await import('./commands/ztoc-ls.ts')).ztocLs,
  ),
  entry(
    ['ztoc cat', 'ztoc get-file'],
    'print a file of a layer, reading only the spans that hold it',
    async () => (await import('./commands/ztoc-cat.ts')).ztocCat,
  ),
  entry(
    ['ztoc verify'],
    'prove a zTOC against its layer: read every file back and compare',
    async () => (await import('./commands/ztoc-verify.ts')).ztocVerify,
  ),
];

function entry(names: CommandEntry['names'], summary: string, load: () => Promise<CommandBody>): CommandEntry {
  return { names, summary, load: async () => ({ name: names[0], summary, ...(await load()) }) };
}

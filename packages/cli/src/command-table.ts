import type { CommandBody, CommandEntry } from './command/command.ts';

/** All commands, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(
    ['convert'],
    'convert an image to a SOCI-enabled image (index version 2)',
    () => import('./commands/convert.ts'),
  ),
  entry(
    ['create'],
    'create SOCI indexes for an unchanged image (index version 1)',
    () => import('./commands/create.ts'),
  ),
  entry(['inspect'], 'show the manifests, layers and SOCI indexes of an image', () => import('./commands/inspect.ts')),
  entry(['verify'], 'check the SOCI indexes of an image against its layers', () => import('./commands/verify.ts')),
  entry(['doctor'], 'say why an image does not load lazily', () => import('./commands/doctor.ts')),
  entry(['ls'], 'list a directory of an image', () => import('./commands/ls.ts')),
  entry(['cat'], 'print a file of an image, reading only the spans it needs', () => import('./commands/cat.ts')),
  entry(
    ['profile push'],
    'store a profile with a repository, for later images',
    () => import('./commands/profile-push.ts'),
  ),
  entry(
    ['profile show'],
    'print the profile that is stored with a repository',
    () => import('./commands/profile-show.ts'),
  ),
  entry(['ztoc create'], 'build the zTOC of each layer file', () => import('./commands/ztoc-create.ts')),
  entry(['ztoc info'], 'show the metadata of a zTOC', () => import('./commands/ztoc-info.ts')),
  entry(['ztoc ls', 'ztoc list'], 'list the files of a layer from its zTOC', () => import('./commands/ztoc-ls.ts')),
  entry(
    ['ztoc cat', 'ztoc get-file'],
    'print a file of a layer, reading only the spans it needs',
    () => import('./commands/ztoc-cat.ts'),
  ),
  entry(['ztoc verify'], 'check a zTOC against its layer', () => import('./commands/ztoc-verify.ts')),
  entry(
    ['profile predict'],
    'predict what the start of a container reads',
    () => import('./commands/profile-predict.ts'),
  ),
  entry(['profile record'], 'record what the start of a container reads', () => import('./commands/profile-record.ts')),
  entry(['report'], 'tell whether an index is worth it, and with which settings', () => import('./commands/report.ts')),
  entry(['status'], 'show which images of a registry have an index', () => import('./commands/status.ts')),
  entry(
    ['backfill'],
    'index the images of a registry that have no current index',
    () => import('./commands/backfill.ts'),
  ),
  entry(['gc'], 'find and delete the garbage of a whole registry', () => import('./commands/gc.ts')),
  entry(
    ['lifecycle'],
    'propose lifecycle rules that keep images and indexes together',
    () => import('./commands/lifecycle.ts'),
  ),
  entry(['completion'], 'print a script that completes commands in a shell', () => import('./commands/completion.ts')),
];

function entry(
  names: CommandEntry['names'],
  summary: string,
  load: () => Promise<{ readonly command: CommandBody }>,
): CommandEntry {
  return { names, summary, load: async () => ({ name: names[0], summary, ...(await load()).command }) };
}

import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CliError } from '../errors.ts';

/** Checks that files can be created in a directory. @throws CliError `FILE_UNWRITABLE` */
export async function checkWritable(directory: string): Promise<void> {
  await access(directory, constants.W_OK).catch((cause: unknown) => {
    throw new CliError('FILE_UNWRITABLE', `cannot write to directory ${directory}`, { cause });
  });
}

/** Checks that a file can be created or replaced, without writing it. @throws CliError `FILE_UNWRITABLE` */
export async function checkFileWritable(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new CliError('FILE_UNWRITABLE', `cannot write ${path}: it is a directory`);
  if (found === undefined || found.isFile()) await checkWritable(dirname(resolve(path)));
}

/** Checks that a directory exists or can be created, and can be written. @throws CliError `FILE_UNWRITABLE` */
export async function checkDirectoryWritable(path: string): Promise<void> {
  let current = resolve(path);
  let found = await stat(current).catch(() => undefined);
  while (found === undefined && dirname(current) !== current) {
    current = dirname(current);
    found = await stat(current).catch(() => undefined);
  }
  if (!found?.isDirectory()) throw new CliError('FILE_UNWRITABLE', `${current} is not a directory`);
  await checkWritable(current);
}

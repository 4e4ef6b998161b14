import { readFile } from 'node:fs/promises';
import { digestsInUse, parseEcrHost } from '@soci/ecr';
import { type ImagesInUse, NOTHING_IN_USE, parseImagesInUse } from '@soci/registry-jobs';
import type { CommandContext } from '../command/command.ts';
import { CliError, usageError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

/**
 * Reads the values of `--in-use`: `none`, or each `ecs:CLUSTER` or the name of a file. An image is in use if one of the lists has it.
 *
 * @param host - Registry of the command. Its Region is the default for clusters.
 * @throws CliError with the code of the error; RegistryJobsError `IN_USE_INVALID`
 */
export async function readImagesInUse(
  values: readonly string[],
  host: string,
  context: CommandContext,
): Promise<ImagesInUse> {
  if (values.includes('none')) {
    if (values.length === 1) return NOTHING_IN_USE;
    throw usageError('--in-use none cannot be used with another list');
  }
  const digests = new Map<string, ReadonlySet<string>>();
  const tags = new Set<string>();
  for (const value of values) {
    const list = await readList(value, host, context);
    for (const tag of list.tags) tags.add(tag);
    for (const [digest, repositories] of list.digests) {
      digests.set(digest, new Set([...(digests.get(digest) ?? []), ...repositories]));
    }
  }
  return { digests, tags };
}

async function readList(value: string, host: string, { env, signal }: CommandContext): Promise<ImagesInUse> {
  const cluster = /^ecs:(.*)$/.exec(value)?.[1];
  if (cluster === undefined) return parseImagesInUse(await readText(value), value);
  if (cluster === '') throw usageError('--in-use ecs: has no name of a cluster');
  const region = cluster.startsWith('arn:') ? undefined : parseEcrHost(host)?.region;
  const images = await digestsInUse(cluster, { env, signal, ...(region !== undefined && { region }) });
  if (images.size > 0) return parseImagesInUse([...images].join('\n'), `the Amazon ECS cluster ${cluster}`);
  throw new CliError('IN_USE_INVALID', `the Amazon ECS cluster ${cluster} has no tasks and no services`, {
    remedy: 'Check its name, the account and the Region. If no image is in use there, leave it out.',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrapFileError(path, error);
  }
}

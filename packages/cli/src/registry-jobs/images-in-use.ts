import { readFile } from 'node:fs/promises';
import { digestsInUse, parseEcrHost } from '@soci/ecr';
import { type ImagesInUse, NOTHING_IN_USE, parseImagesInUse } from '@soci/registry-jobs';
import type { CommandContext } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

/**
 * Reads the value of `--in-use`: `none`, `ecs:CLUSTER`, or the name of a file.
 *
 * @param host - Registry of the command. Its Region is the default for the cluster.
 * @throws CliError with the code of the error; RegistryJobsError `IN_USE_INVALID`
 */
export async function readImagesInUse(value: string, host: string, context: CommandContext): Promise<ImagesInUse> {
  if (value === 'none') return NOTHING_IN_USE;
  const cluster = /^ecs:(.*)$/.exec(value)?.[1];
  if (cluster === undefined) return parseImagesInUse(await readText(value), value);
  if (cluster === '') throw new CliError('USAGE_INVALID', '--in-use ecs: has no name of a cluster');
  const region = cluster.startsWith('arn:') ? undefined : parseEcrHost(host)?.region;
  const images = await digestsInUse(cluster, {
    env: context.env,
    signal: context.signal,
    ...(region !== undefined && { region }),
  });
  return parseImagesInUse([...images].join('\n'), `the Amazon ECS cluster ${cluster}`);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrapFileError(path, error);
  }
}

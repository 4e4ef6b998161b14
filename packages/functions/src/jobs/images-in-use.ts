import { digestsInUse } from '@soci/ecr';
import { OciError } from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { type ImagesInUse, parseImagesInUse, RegistryJobsError } from '@soci/registry-jobs';
import type { GarbageSettings } from '../environment/jobs-settings.ts';
import { FunctionError, messageOf } from '../errors.ts';
import type { RunStore } from './store.ts';

/** Prefix of the objects that name images in use. */
const IN_USE_PREFIX = 'in-use/';

/** Maximum age of such an object, in milliseconds. What runs today is not in the list of last week. */
const MAX_LIST_AGE = 24 * 3600 * 1000;

/** Maximum number of such objects. */
const MAX_LISTS = 100;

/** The images in use are not known, so that nothing may be deleted. */
export class InUseUnknown extends Error {}

/** Errors that a retry may fix. */
const TEMPORARY: ReadonlySet<string> = new Set(['RATE_LIMITED', 'SERVER_FAILED', 'CONNECTION_FAILED']);

/**
 * Reads which images are in use now: those of the Amazon ECS clusters, and those that the objects below
 * {@link IN_USE_PREFIX} name. Each object has the format of `soci-index gc --in-use`.
 *
 * @throws InUseUnknown if a cluster cannot be read or runs no image, or an object is missing, invalid, empty, or older than a
 * day; FunctionError `TRY_AGAIN`
 */
export async function readImagesInUse(
  { clusters, hasLists }: Pick<GarbageSettings, 'clusters' | 'hasLists'>,
  store: Pick<RunStore, 'list' | 'readText'>,
  now: number,
): Promise<ImagesInUse> {
  const digests = new Map<string, ReadonlySet<string>>();
  const tags = new Set<string>();
  const add = (images: ImagesInUse) => {
    for (const [digest, repositories] of images.digests) {
      digests.set(digest, new Set([...(digests.get(digest) ?? []), ...repositories]));
    }
    for (const tag of images.tags) tags.add(tag);
  };
  try {
    for (const cluster of clusters) add(await readCluster(cluster));
    if (hasLists) for (const list of await readLists(store, now)) add(list);
  } catch (error) {
    throw classify(error);
  }
  return { digests, tags };
}

async function readCluster(cluster: string): Promise<ImagesInUse> {
  return parseImagesInUse([...(await digestsInUse(cluster))].join('\n'), `the Amazon ECS cluster ${cluster}`);
}

async function readLists(store: Pick<RunStore, 'list' | 'readText'>, now: number): Promise<ImagesInUse[]> {
  // The console creates an object for a folder.
  const keys = (await store.list(IN_USE_PREFIX)).filter((key) => !key.endsWith('/'));
  if (keys.length === 0) {
    throw new InUseUnknown(`the bucket has no object below ${IN_USE_PREFIX}: write the images in use to one`);
  }
  if (keys.length > MAX_LISTS)
    throw new InUseUnknown(`the bucket has more than ${MAX_LISTS} objects below ${IN_USE_PREFIX}`);
  const lists: ImagesInUse[] = [];
  for (const key of keys) {
    const { text, writtenAt } = await store.readText(key);
    if (now - writtenAt > MAX_LIST_AGE) {
      const date = new Date(writtenAt).toISOString();
      throw new InUseUnknown(`${key} was written at ${date}, more than 24 hours ago: write it again, or delete it`);
    }
    lists.push(parseImagesInUse(text, key));
  }
  return lists;
}

function classify(error: unknown): Error {
  if (error instanceof InUseUnknown || error instanceof FunctionError) return error;
  const isTemporary = error instanceof RegistryError && TEMPORARY.has(error.code);
  const isKnown = error instanceof RegistryError || error instanceof OciError || error instanceof RegistryJobsError;
  if (isKnown && !isTemporary) return new InUseUnknown(messageOf(error), { cause: error });
  return new FunctionError('TRY_AGAIN', `cannot read the images in use: ${messageOf(error)}`, { cause: error });
}

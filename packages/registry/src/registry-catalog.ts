import {
  type CallOptions,
  type DeletionFailure,
  type Descriptor,
  isManifestOrIndex,
  type ListedImage,
  type ListedManifest,
  OciError,
  type RegistryCatalog,
} from '@soci/oci';
import { mapConcurrently } from './concurrency.ts';
import { RegistryError, type RegistryErrorCode } from './errors.ts';
import { checkOption } from './options.ts';
import type { Registry } from './registry.ts';
import type { Repository } from './repository.ts';

/** Default number of concurrent requests. */
const DEFAULT_CONCURRENCY = 8;

/** Maximum number of images of a page. */
const PAGE_LENGTH = 1_000;

/** Maximum number of tags of a repository. */
const MAX_TAGS = 1_000_000;

/** Failures that every later deletion would have, too. */
const GENERAL_FAILURES: readonly (RegistryErrorCode | undefined)[] = [
  'ACCESS_DENIED',
  'AUTHENTICATION_FAILED',
  'CLOSED',
  'UNSUPPORTED',
];

/** Options of {@link openRegistryCatalog}. */
export interface RegistryCatalogOptions {
  /** Maximum number of concurrent requests of a call, from 1 to 100. @default 8 */
  readonly concurrency?: number;
}

/**
 * Returns the catalog of a registry, from the distribution API. It lists only what tags refer to, because registries do
 * not list untagged manifests, and needs a HEAD request per tag. It reports no sizes and no times.
 *
 * Methods throw OciError `NOT_FOUND` if the repository does not exist and `REFERENCE_INVALID` if its name is invalid,
 * and RegistryError `ACCESS_DENIED`, `AUTHENTICATION_FAILED` and others; `UNSUPPORTED` from `repositories` if the
 * registry does not list them. `delete` does not throw for a manifest: the result has the code of the registry, or of the
 * error.
 *
 * @throws RegistryError `OPTION_INVALID`
 */
export function openRegistryCatalog(registry: Registry, options: RegistryCatalogOptions = {}): RegistryCatalog {
  const concurrency = checkOption('concurrency', options.concurrency ?? DEFAULT_CONCURRENCY, 1, 100);
  return {
    lists: 'tags',
    repositories: (call) => registry.repositories(call),
    images: (repository, call) => listImages(registry.repository(repository), concurrency, call),
    async *manifests(repository, digests, call) {
      const source = registry.repository(repository);
      const read = (digest: string) => source.readManifest(digest, call);
      for await (const manifest of mapConcurrently(digests, concurrency, read))
        if (manifest !== undefined) yield manifest;
    },
    async resolveTag(repository, tag, call) {
      return (await registry.repository(repository).findManifest(tag, call))?.digest;
    },
    delete: (repository, digests, call) => deleteManifests(registry.repository(repository), digests, call),
  };
}

/** Yields what the tags of a repository refer to. Tags that are deleted during the listing are left out. */
async function* listImages(
  repository: Repository,
  concurrency: number,
  call: CallOptions = {},
): AsyncGenerator<readonly ListedImage[], void, undefined> {
  const images = new Map<string, ListedImage & { readonly tags: string[] }>();
  const find = async (tag: string) => ({ tag, found: await repository.findManifest(tag, call) });
  for await (const { tag, found } of mapConcurrently(uniqueTags(repository, call), concurrency, find)) {
    if (found === undefined) continue;
    const image = images.get(found.digest);
    if (image !== undefined) image.tags.push(tag);
    else images.set(found.digest, { ...found, tags: [tag] });
  }
  const all = [...images.values()];
  for (let from = 0; from < all.length; from += PAGE_LENGTH) yield all.slice(from, from + PAGE_LENGTH);
}

/** Yields every tag once, although a list may repeat it. */
async function* uniqueTags(repository: Repository, call: CallOptions): AsyncGenerator<string, void, undefined> {
  const seen = new Set<string>();
  for await (const tag of repository.tags(call)) {
    if (seen.has(tag)) continue;
    if (seen.size >= MAX_TAGS) {
      throw new RegistryError('LIMIT_EXCEEDED', `${repository.host}/${repository.path} has more than ${MAX_TAGS} tags`);
    }
    seen.add(tag);
    yield tag;
  }
}

/** Deletes manifests one after the other, so that the caller determines the order. */
async function deleteManifests(
  repository: Repository,
  digests: readonly string[],
  call: CallOptions = {},
): Promise<readonly DeletionFailure[]> {
  const failures: DeletionFailure[] = [];
  let general: Omit<DeletionFailure, 'digest'> | undefined;
  for (const digest of digests) {
    if (general !== undefined) {
      failures.push({ digest, ...general });
      continue;
    }
    try {
      await repository.delete(await describeForDeletion(repository, digest, call), call);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (!(error instanceof OciError || error instanceof RegistryError)) throw error;
      const refusal = error instanceof RegistryError ? error.refusals[0]?.code : undefined;
      const failure = { code: refusal || error.code, reason: error.message };
      if (error instanceof RegistryError && GENERAL_FAILURES.includes(error.code)) general = failure;
      failures.push({ digest, ...failure });
    }
  }
  return failures;
}

/** @throws OciError `NOT_FOUND`; `MANIFEST_INVALID` for content that would be deleted as a blob */
async function describeForDeletion(repository: Repository, digest: string, call: CallOptions): Promise<Descriptor> {
  const manifest: ListedManifest | undefined = await repository.readManifest(digest, call);
  if (manifest === undefined) throw new OciError('NOT_FOUND', `the manifest ${digest} does not exist`);
  const { mediaType, content } = manifest;
  if (isManifestOrIndex(mediaType)) return { mediaType, digest, size: content.length };
  throw new OciError('MANIFEST_INVALID', `${digest} is not a manifest: its media type is ${mediaType}`);
}

import { type CopyOptions, copyImage, type Descriptor, isManifestOrIndex, readVerified } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { RegistryLocation } from './location.ts';
import { countBytes, type Delivery } from './transport.ts';

type CopyTarget = Parameters<typeof copyImage>[1];

/** Pieces of content on their way at a time. */
const CONCURRENCY = 6;

/**
 * Writes what was made, with everything that it refers to, to a repository: leaves before roots, and the names last. In
 * the repository that the image is in, nothing of the image is asked for; from another one of the same registry its blobs
 * are mounted; from elsewhere they are streamed.
 *
 * @param written - Digests of what was written before.
 */
export async function deliverToRepository(
  target: Repository,
  location: RegistryLocation,
  delivery: Delivery,
  written: ReadonlySet<string>,
): Promise<void> {
  const { content, roots, made, signal, beforeNaming } = delivery;
  const call = { signal };
  // One manifest goes straight under its tag. Several may refer to each other: they are all there before one is named.
  const isAlone = roots.length === 1;
  const counted = countBytes(delivery);
  for (const { target: root } of roots) {
    const into = writingTo(target, made, isAlone ? root : undefined);
    await copyImage(counted, into, root, {
      ...call,
      concurrency: CONCURRENCY,
      ...shortcuts(location, delivery, written),
    });
  }
  if (roots.some(({ reference }) => reference !== '')) await beforeNaming();
  for (const { target: root, reference } of roots) {
    if (!isAlone && reference === '') continue;
    const raw = await readVerified(content, root, call);
    await target.pushManifest(root, raw, { ...call, ...(reference !== '' && { tag: reference }) });
  }
}

/** What need not be copied because of where the image is. */
function shortcuts(
  { host, repository }: RegistryLocation,
  { source, made }: Delivery,
  written: ReadonlySet<string>,
): Pick<CopyOptions, 'mountFrom' | 'present'> {
  const from = source.location;
  const isSameRegistry = from.transport === 'registry' && from.host === host;
  const isSamePlace = isSameRegistry && from.repository === repository;
  return {
    present: ({ digest }) => written.has(digest) || (isSamePlace && !made.has(digest)),
    ...(isSameRegistry && !isSamePlace && { mountFrom: from.repository }),
  };
}

/**
 * The repository as what was made is written to it. Its manifests are not asked for: they are new, and small. The root
 * that is to be named is left out: all below it is written, itself is not.
 */
function writingTo(target: Repository, made: ReadonlySet<string>, left: Descriptor | undefined): CopyTarget {
  return {
    exists: async (piece, options) => !isNewManifest(piece, made) && target.exists(piece, options),
    async push(piece, content, options) {
      if (piece.digest === left?.digest) return;
      if (content instanceof Uint8Array && isNewManifest(piece, made))
        await target.pushManifest(piece, content, options);
      else await target.push(piece, content, options);
    },
    mount: (piece, from, options) => target.mount(piece, from, options),
  };
}

function isNewManifest({ digest, mediaType }: Descriptor, made: ReadonlySet<string>): boolean {
  return made.has(digest) && isManifestOrIndex(mediaType);
}

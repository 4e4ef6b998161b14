import { type Descriptor, digestOf, isManifestOrIndex, isNonDistributable, parseDigest } from '@soci/oci';
import { listReferences, type RegistryStore } from './store/registry-store.ts';

/** What is missing, or is not what it is said to be, of an image and all that it refers to; a sentence each. */
export function checkGraph(store: RegistryStore, name: string, reference: string): readonly string[] {
  const repository = store.repository(name);
  const root = repository?.manifest(reference);
  if (repository === undefined || root === undefined) return [`${name} has nothing called ${reference}`];
  const problems: string[] = [];
  const seen = new Set<string>();

  const visit = ({ digest, size, mediaType }: Descriptor, from: string): void => {
    if (seen.has(digest)) return;
    seen.add(digest);
    const isManifest = isManifestOrIndex(mediaType);
    const manifest = isManifest ? repository.manifest(digest) : undefined;
    const actual = isManifest ? manifest?.bytes.length : store.blob(repository, digest)?.size;
    if (actual === undefined) {
      if (!isNonDistributable(mediaType)) problems.push(`${digest} (${mediaType}), which ${from} names, is missing`);
      return;
    }
    if (manifest !== undefined && manifest.mediaType !== mediaType) {
      problems.push(`${digest} is ${manifest.mediaType}, but ${from} says ${mediaType}`);
    }
    if (actual !== size) problems.push(`${digest} has ${actual} bytes, but ${from} says ${size}`);
    if (manifest === undefined) return;
    if (digestOf(manifest.bytes, parseDigest(digest).algorithm) !== digest) {
      problems.push(`${digest} has content of another digest`);
    }
    for (const entry of listReferences(manifest)) visit(entry, digest);
  };

  visit({ digest: root.digest, mediaType: root.mediaType, size: root.bytes.length }, reference);
  return problems;
}

import { type Descriptor, digestOf, isManifestOrIndex, isNonDistributable, parseDigest } from '@soci/oci';
import type { RegistryStore } from './store/registry-store.ts';
import { listReferences } from './store/repository.ts';

/** What is missing, or is not what it is said to be, of an image and all that it refers to; a sentence each. */
export function checkGraph(store: RegistryStore, name: string, reference: string): readonly string[] {
  const repository = store.repository(name);
  const root = repository?.manifest(reference);
  if (repository === undefined || root === undefined) return [`${name} has nothing called ${reference}`];
  const problems: string[] = [];
  const seen = new Set<string>();

  const visitManifest = ({ digest, size, mediaType }: Descriptor, from: string): void => {
    const manifest = repository.manifest(digest);
    if (manifest === undefined) {
      problems.push(`${digest} (${mediaType}), which ${from} names, is missing`);
      return;
    }
    if (manifest.mediaType !== mediaType) {
      problems.push(`${digest} is ${manifest.mediaType}, but ${from} says ${mediaType}`);
    }
    checkSize(digest, manifest.bytes.length, size, from);
    if (digestOf(manifest.bytes, parseDigest(digest).algorithm) !== digest) {
      problems.push(`${digest} has content of another digest`);
    }
    for (const entry of listReferences(manifest)) visit(entry, digest);
  };
  const visitBlob = ({ digest, size, mediaType }: Descriptor, from: string): void => {
    const blob = store.blob(repository, digest);
    if (blob !== undefined) checkSize(digest, blob.size, size, from);
    else if (!isNonDistributable(mediaType)) problems.push(`${digest} (${mediaType}), which ${from} names, is missing`);
  };
  const visit = (entry: Descriptor, from: string): void => {
    if (seen.has(entry.digest)) return;
    seen.add(entry.digest);
    if (isManifestOrIndex(entry.mediaType)) visitManifest(entry, from);
    else visitBlob(entry, from);
  };
  const checkSize = (digest: string, actual: number, said: number, from: string): void => {
    if (actual !== said) problems.push(`${digest} has ${actual} bytes, but ${from} says ${said}`);
  };

  visit({ digest: root.digest, mediaType: root.mediaType, size: root.bytes.length }, reference);
  return problems;
}

import { type Descriptor, digestOf, isManifestOrIndex, isNonDistributable, parseDigest } from '@soci/oci';
import type { RegistryStore } from './store/registry-store.ts';
import { listReferences } from './store/stored-manifest.ts';

/** Checks an image and everything that it refers to. Returns a sentence for each missing or mismatching item. */
export function checkGraph(store: RegistryStore, name: string, reference: string): readonly string[] {
  const repository = store.repository(name);
  const root = repository?.manifest(reference);
  if (repository === undefined || root === undefined) return [`${name} has no manifest ${reference}`];
  const problems: string[] = [];
  const seen = new Set<string>();

  const visit = ({ digest, size, mediaType }: Descriptor, from: string): void => {
    if (seen.has(digest)) return;
    seen.add(digest);
    const isManifest = isManifestOrIndex(mediaType);
    const manifest = isManifest ? repository.manifest(digest) : undefined;
    const actual = isManifest ? manifest?.bytes.length : store.blob(repository, digest)?.size;
    if (actual === undefined) {
      if (!isNonDistributable(mediaType)) problems.push(`${digest} (${mediaType}), referenced by ${from}, is missing`);
      return;
    }
    if (manifest !== undefined && manifest.mediaType !== mediaType) {
      problems.push(`${digest} is ${manifest.mediaType}, but ${from} says ${mediaType}`);
    }
    if (actual !== size) problems.push(`${digest} has ${actual} bytes, but ${from} says ${size}`);
    if (manifest === undefined) return;
    if (digestOf(manifest.bytes, parseDigest(digest).algorithm) !== digest) {
      problems.push(`the content of ${digest} has another digest`);
    }
    for (const entry of listReferences(manifest)) visit(entry, digest);
  };

  visit({ digest: root.digest, mediaType: root.mediaType, size: root.bytes.length }, reference);
  return problems;
}

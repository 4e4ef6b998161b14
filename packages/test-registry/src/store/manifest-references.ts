import { type Descriptor, listSuccessors, OciError } from '@soci/oci';
import type { Repository, StoredManifest } from './repository.ts';

/** What a manifest refers to, in its order; nothing where it is none, as a test may have put anything in. */
export function listReferences({ mediaType, bytes }: StoredManifest): readonly Descriptor[] {
  try {
    return listSuccessors({ mediaType }, bytes);
  } catch (error) {
    if (error instanceof OciError) return [];
    throw error;
  }
}

/** Whether a manifest of the repository refers to `digest`. */
export function refersTo(repository: Repository, digest: string): boolean {
  return repository.manifests().some((manifest) => listReferences(manifest).some((entry) => entry.digest === digest));
}

import type { Repository } from '../store/repository.ts';
import type { StoredManifest } from '../store/stored-manifest.ts';
import type { Registry } from './registry.ts';

/** Takes a tag away; the image that it named stays. */
export function removeTag({ events }: Registry, repository: Repository, tag: string, image: StoredManifest): void {
  repository.removeTag(tag);
  events.tell('DELETE', repository.name, image, tag);
}

/** Takes an image away with its tags; in ECR what refers to it goes too. @see Amazon ECR User Guide, "Deleting an image" */
export function removeImage(registry: Registry, repository: Repository, image: StoredManifest): void {
  const tags = repository.tagsOf(image.digest);
  const referrers = registry.settings.ecr ? repository.referrers(image.digest) : [];
  repository.removeManifest(image.digest);
  for (const tag of tags.length > 0 ? tags : [undefined]) registry.events.tell('DELETE', repository.name, image, tag);
  for (const { digest } of referrers) {
    const referrer = repository.manifest(digest);
    if (referrer !== undefined) removeImage(registry, repository, referrer);
  }
}

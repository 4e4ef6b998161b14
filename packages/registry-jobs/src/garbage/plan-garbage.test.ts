import { digestOf, MEDIA_TYPE_OCI_IMAGE_CONFIG, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { describe, expect, it } from 'vitest';
import { ModelRepository, REPOSITORY } from '../fixtures/model-repository.ts';
import { findGarbage } from './find-garbage.ts';

const CONVERSION = { pushedAt: 0, isMarked: true, settings: 'a' };
const POLICY = { olderThan: 0 };

/** Returns a repository with an image, its SOCI-enabled image, and one whose source image is missing. */
function startWith(source: 'same repository' | 'another repository') {
  const elsewhere = new ModelRepository({ lists: 'all', ecr: true, hasTimes: true });
  const repository =
    source === 'same repository' ? elsewhere : new ModelRepository({ lists: 'all', ecr: true, hasTimes: true });
  const [first, second] = [elsewhere.pushImage('v1', 0), elsewhere.pushImage('v2', 0)];
  const roots = [elsewhere.convert(first, 'v1-soci', CONVERSION), elsewhere.convert(second, 'v2-soci', CONVERSION)];
  if (repository === elsewhere) repository.remove(first);
  else {
    for (const each of elsewhere.manifestsByDigest.values()) {
      const { descriptor } = each;
      const [tag] = elsewhere.tagsOf(descriptor.digest);
      if (tag === undefined || tag.endsWith('-soci')) {
        repository.put(descriptor.mediaType, each.document, tag, each.pushedAt);
      }
    }
  }
  return { repository, roots };
}

describe('a SOCI-enabled image whose source image is not in the repository', () => {
  it('is garbage, with what only it lists', async () => {
    const { repository, roots } = startWith('same repository');
    const { items, kept, hasSources } = await findGarbage(repository, REPOSITORY, POLICY);
    expect(items[0]).toMatchObject({ digest: roots[0]?.root, reason: 'source-gone' });
    expect(items.length).toBe(3);
    expect(kept).toEqual([]);
    expect(hasSources).toBe(true);
  });

  it('is garbage if it is the only image of the repository', async () => {
    const repository = new ModelRepository({ lists: 'all', ecr: true, hasTimes: true });
    const source = repository.pushImage('v1', 0);
    const { root } = repository.convert(source, 'v1-soci', CONVERSION);
    repository.remove(source);
    const { items, hasSources } = await findGarbage(repository, REPOSITORY, POLICY);
    expect(items.map(({ digest, reason }) => [digest, reason])[0]).toEqual([root, 'source-gone']);
    expect(items.length).toBe(3);
    expect(hasSources).toBe(false);
  });

  it('is garbage if it is a copy, and the plan says that no image has its source', async () => {
    const { repository } = startWith('another repository');
    const { items, hasSources } = await findGarbage(repository, REPOSITORY, POLICY);
    expect(items.filter(({ reason }) => reason === 'source-gone').map(({ tags }) => tags)).toHaveLength(2);
    expect(hasSources).toBe(false);
  });

  it('is kept with keepCopies if none has its source image there', async () => {
    const { repository } = startWith('another repository');
    const { items, kept } = await findGarbage(repository, REPOSITORY, { ...POLICY, keepCopies: true });
    expect(items).toEqual([]);
    expect(kept.map(({ tags, reason }) => [tags, reason]).toSorted()).toEqual([
      [['v1-soci'], 'possible-copy'],
      [['v2-soci'], 'possible-copy'],
    ]);
  });

  it('is kept with keepCopies if the repository has other images, which have no SOCI-enabled image', async () => {
    const { repository } = startWith('another repository');
    const config = { mediaType: MEDIA_TYPE_OCI_IMAGE_CONFIG, digest: digestOf(Buffer.from('v3')), size: 1 };
    repository.put(MEDIA_TYPE_OCI_IMAGE_MANIFEST, { config, layers: [] }, 'v3', 0);
    expect((await findGarbage(repository, REPOSITORY, { ...POLICY, keepCopies: true })).items).toEqual([]);
  });

  it('is garbage with keepCopies if another one has its source image there', async () => {
    const { repository, roots } = startWith('same repository');
    const { items } = await findGarbage(repository, REPOSITORY, { ...POLICY, keepCopies: true });
    expect(items[0]).toMatchObject({ digest: roots[0]?.root, reason: 'source-gone' });
  });
});

import { parseFilters, parseOutputTag } from '@soci/filter';
import { MEDIA_TYPE_SOCI_INDEX_V1 } from '@soci/index';
import { type ListedImage, MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import {
  type IndexPolicy,
  planRegistry,
  planRepository,
  RegistryJobsError,
  type RepositoryReport,
} from '@soci/registry-jobs';
import { describe, expect, it } from 'vitest';
import { digest, enabledImage, image, MemoryCatalog } from '../fixtures/memory-catalog.ts';

/** Plans one repository, and returns action and reason by tag. */
async function plan(
  entries: readonly (ListedImage | ReturnType<typeof enabledImage>)[],
  policy: IndexPolicy = {},
  lists: 'all' | 'tags' = 'all',
) {
  const images = entries.map((each) => ('listed' in each ? each.listed : each));
  const manifests = entries.flatMap((each) => ('listed' in each ? [each.manifest] : []));
  const catalog = new MemoryCatalog({ app: images }, manifests, lists);
  const plans: Record<string, string> = {};
  for await (const report of planRegistry(catalog, ['app'], { policy })) {
    if (report.outcome === 'failed') throw report.error;
    for (const { tag, action, reason } of report.images) plans[tag] = `${action} ${reason}`;
  }
  return { plans, requests: catalog.requests };
}

async function collect(reports: AsyncIterable<RepositoryReport>): Promise<RepositoryReport[]> {
  const all: RepositoryReport[] = [];
  for await (const report of reports) all.push(report);
  return all;
}

const SETTINGS = digest('settings');

describe('a tag', () => {
  it('without an output tag needs an index', async () => {
    expect(await plan([image('v1')])).toEqual({
      plans: { v1: 'index no-index' },
      requests: { images: 1, manifests: 0 },
    });
  });

  it('is current if its output tag was pushed later; no manifest is read', async () => {
    const source = image('v1', ['v1'], { pushedAt: 100 });
    expect(await plan([source, enabledImage(['v1-soci'], source, { pushedAt: 101 })])).toEqual({
      plans: { v1: 'current pushed-later' },
      requests: { images: 1, manifests: 0 },
    });
  });

  it('is stale if it was pushed after its output tag: it was moved', async () => {
    const source = image('v1', ['v1'], { pushedAt: 200 });
    const { plans } = await plan([source, enabledImage(['v1-soci'], source, { pushedAt: 101 })]);
    expect(plans).toEqual({ v1: 'stale tag-moved' });
  });

  it('that was moved back to an older image is stale, if the provenance is compared', async () => {
    const older = image('older', ['v1'], { pushedAt: 1 });
    const newer = image('newer', [], { pushedAt: 2 });
    const index = enabledImage(['v1-soci'], newer, { pushedAt: 3, settings: SETTINGS });
    expect((await plan([older, newer, index], { settingsDigest: SETTINGS })).plans).toEqual({ v1: 'stale tag-moved' });
    expect(await plan([older, newer, index], { readsProvenance: true })).toEqual({
      plans: { v1: 'stale tag-moved' },
      requests: { images: 1, manifests: 1 },
    });
    // Settings are not compared.
    const planned = await plan([older, newer, enabledImage(['v1-soci'], older, { settings: SETTINGS })], {
      readsProvenance: true,
    });
    expect(planned.plans).toEqual({ v1: 'current same-source' });
  });

  it('is stale if its index was built with other settings', async () => {
    const source = image('v1', ['v1'], { pushedAt: 1 });
    const index = enabledImage(['v1-soci'], source, { pushedAt: 2, settings: SETTINGS });
    const planned = async (settingsDigest: string) => (await plan([source, index], { settingsDigest })).plans;
    expect(await planned(SETTINGS)).toEqual({ v1: 'current same-source' });
    expect(await planned(digest('others'))).toEqual({ v1: 'stale other-settings' });
  });

  it('whose output tag has no provenance is compared by the builder, if the times say nothing', async () => {
    expect((await plan([image('v1'), enabledImage(['v1-soci'], undefined)], {}, 'tags')).plans).toEqual({
      v1: 'stale unmarked',
    });
  });

  it('needs an index of version 2 if it has one of version 1', async () => {
    const source = image('v1');
    const index = image('index', [], { artifactType: MEDIA_TYPE_SOCI_INDEX_V1, subject: source.digest });
    expect((await plan([source, index])).plans).toEqual({ v1: 'stale other-version' });
    expect((await plan([source, index], { version: 1 })).plans).toEqual({ v1: 'current refers-to-image' });
    expect((await plan([source], { version: 1 })).plans).toEqual({ v1: 'index no-index' });
    expect((await plan([source], { version: 1 }, 'tags')).plans).toEqual({ v1: 'index not-visible' });
  });

  it('of an image with several platforms is current if an index of version 1 refers to one of its manifests', async () => {
    const several = enabledImage(['v1'], undefined);
    const index = { artifactType: MEDIA_TYPE_SOCI_INDEX_V1, subject: digest('image v1') };
    expect((await plan([several, image('index', [], index)], { version: 1 })).plans).toEqual({
      v1: 'current refers-to-image',
    });
  });

  it('without an output tag is found by the source digest of untagged images', async () => {
    const policy = { outputTag: parseOutputTag('none') };
    const source = image('v1');
    expect((await plan([source, enabledImage([], source)], policy)).plans).toEqual({ v1: 'current same-source' });
    expect((await plan([source], policy)).plans).toEqual({ v1: 'index no-index' });
    expect((await plan([source], policy, 'tags')).plans).toEqual({ v1: 'index not-visible' });
  });
});

describe('is skipped:', () => {
  const cases: readonly (readonly [reason: string, ListedImage, IndexPolicy])[] = [
    ['no-match', image('v1'), { filters: parseFilters('other:*') }],
    ['excluded', image('v1'), { filters: parseFilters('*:*, !*:v1') }],
    ['not-an-image', image('v1', ['v1'], { artifactType: 'application/vnd.cncf.helm.config.v1+json' }), {}],
    ['not-an-image', image('sig', [`sha256-${'0'.repeat(64)}.sig`]), {}],
    ['not-an-image', image('list', [`sha256-${'0'.repeat(64)}`], { mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX }), {}],
    ['archived', image('v1', ['v1'], { archived: true }), {}],
    ['too-old', image('v1', ['v1'], { pushedAt: 99 }), { newerThan: 100 }],
    ['too-large', image('v1', ['v1'], { size: 101 }), { maxImageSize: 100 }],
    ['tag-too-long', image('v1', ['x'.repeat(124)]), {}],
  ];
  it.each(cases)('%s', async (reason, listed, policy) => {
    expect((await plan([listed], policy)).plans).toEqual({ [listed.tags[0] ?? '']: `skipped ${reason}` });
  });
});

describe('the plan of a repository', () => {
  it('has no entry for output tags and stored profiles', async () => {
    expect((await plan([image('index', ['v1-soci']), image('profile', ['soci-profile'])])).plans).toEqual({});
  });

  it('has the newest images first, and the same order for each order of the listing', () => {
    const images = [3, 1, 2].map((age) => image(`v${age}`, [`v${age}`, `w${age}`], { pushedAt: age }));
    const tags = (of: readonly ListedImage[]) =>
      planRepository({ repository: 'app', images: of, lists: 'all' }).map(({ tag }) => tag);
    expect(tags(images)).toEqual(['v3', 'w3', 'v2', 'w2', 'v1', 'w1']);
    expect(tags(images.toReversed())).toEqual(tags(images));
  });

  it('reads 100,000 tags of one repository', async () => {
    const images = Array.from({ length: 100_000 }, (_, at) => image(`v${at}`));
    const { plans, requests } = await plan(images);
    expect([Object.keys(plans).length, requests]).toEqual([100_000, { images: 100, manifests: 0 }]);
  });
});

describe('the plan of a registry', () => {
  it('has a policy of its own for each repository, which can accept several settings', async () => {
    const source = image('v1');
    const index = enabledImage(['v1-soci'], source, { settings: SETTINGS });
    const images = [source, index.listed];
    const catalog = new MemoryCatalog({ app: images, other: images, denied: images }, [index.manifest]);
    const policy = async (repository: string): Promise<IndexPolicy> => {
      if (repository === 'denied') throw new Error('no permission');
      return { settingsDigest: repository === 'app' ? [digest('first'), SETTINGS] : [digest('first')] };
    };
    expect(await collect(planRegistry(catalog, ['app', 'other', 'denied'], { policy }))).toMatchObject([
      { images: [{ action: 'current' }] },
      { images: [{ action: 'stale', reason: 'other-settings' }] },
      { outcome: 'failed', error: { message: 'no permission' } },
    ]);
  });

  it('reports a repository that cannot be listed, and continues', async () => {
    const catalog = new MemoryCatalog({ app: [image('v1')] });
    const reports = await collect(planRegistry(catalog, ['gone', 'app']));
    expect(reports).toMatchObject([
      { outcome: 'failed', repository: 'gone', error: { code: 'NOT_FOUND' } },
      { outcome: 'planned', repository: 'app', images: [{ tag: 'v1', action: 'index' }] },
    ]);
  });

  it('does not read a repository without end', async () => {
    const catalog = new MemoryCatalog({});
    catalog.images = async function* () {
      for (;;) yield [image('v1')];
    };
    const [report] = await collect(planRegistry(catalog, ['endless'], { maxImages: 10 }));
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'LIMIT_EXCEEDED' } });
  });

  it.each([{ newerThan: Number.NaN }, { maxImageSize: -1 }])('rejects %j', (policy) => {
    expect(() => planRepository({ repository: 'app', images: [], lists: 'all' }, policy)).toThrow(RegistryJobsError);
  });
});

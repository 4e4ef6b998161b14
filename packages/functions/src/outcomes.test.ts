// Tests every row of docs/outcomes.md.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type IndexImageOptions, indexImage, MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import {
  type Descriptor,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  parseImageIndex,
  parseManifest,
  readVerified,
} from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import {
  AMD64,
  ARM64,
  concat,
  contentOf,
  type ImageContent,
  METADATA_BOMBS,
  makeAttestation,
  makeBrokenLayer,
  makeBuildKitAttestation,
  makeDockerImage,
  makeHelmChart,
  makeImage,
  makeIndex,
  makeLayer,
  makeLayeredImage,
  makeManifest,
  makeSignature,
  makeTextLayer,
  makeZstdLayer,
  makeZstdTextLayer,
  noise,
  S390X,
  sha256,
  TAR_END,
  tarEntry,
  tarOf,
} from '@soci/test-content';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { storeMalformedProfile, storeProfile } from './fixtures/stored-profiles.ts';
import { startWorkflow, type Workflow, type WorkflowOptions } from './fixtures/workflow.ts';

const running: Workflow[] = [];

afterEach(async () => {
  for (const { registry } of running.splice(0)) await registry.stop();
});

async function start(options?: WorkflowOptions): Promise<Workflow> {
  const workflow = await startWorkflow(options);
  running.push(workflow);
  return workflow;
}

const image = (name = 'app') => makeImage([makeLayer(`${name}-base`), makeLayer(name)]);
const SOCI_MANIFEST = (type: string) =>
  makeManifest(MEDIA_TYPE_OCI_IMAGE_MANIFEST, contentOf(type, '{}'), [contentOf('application/octet-stream', {})]);

/** Returns the manifests that the image index with a tag lists. */
function manifestsOf({ registry }: Workflow, repository: string, tag: string) {
  const found = registry.manifest(repository, tag);
  if (found === undefined) throw new Error(`${repository}:${tag} does not exist`);
  return parseImageIndex(found.bytes, { mediaType: found.mediaType }).manifests;
}

/** Invokes the generator with an event that the rule does not match. */
async function generateFor(workflow: Workflow, made: ImageContent, tag = 'v1') {
  const digest = await workflow.push('app', tag, made);
  const event = workflow.registry.events.find(({ detail }) => detail['image-digest'] === digest);
  const steps = await workflow.settle();
  expect(steps.filter(({ isMatched }) => isMatched)).toEqual([]);
  // Like an old event without media types.
  const { 'manifest-media-type': _, 'artifact-media-type': __, ...detail } = event?.detail ?? {};
  return workflow.generate({ ...event, detail });
}

/** An image whose layer has several spans. `/bin/app` is in the middle of it. */
const makeLargeImage = () => {
  const filler = noise(10_000_000);
  const tar = tarOf({
    'usr/share/a': filler,
    'bin/app': noise(100_000, 2),
    'usr/share/b': filler,
    'usr/share/c': filler,
  });
  const config = contentOf(MEDIA_TYPE_OCI_IMAGE_CONFIG, { ...AMD64, config: { Entrypoint: ['/bin/app'] } });
  return makeManifest(MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, [
    contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(tar, { level: 1 })),
  ]);
};
let made: ImageContent | undefined;
const largeImage = () => (made ??= makeLargeImage());

/** Returns the digests of the SOCI-enabled image's manifests, the last of which is its SOCI index. */
const indexOf = (workflow: Workflow) => manifestsOf(workflow, 'app', 'v1-soci').map(({ digest }) => digest);

/** Returns the same of an index with these options of the library. */
async function indexWith(options: IndexImageOptions): Promise<readonly string[]> {
  const store = new MemoryStore();
  const { descriptor: reference, bytes, blobs } = largeImage();
  for (const blob of blobs) await store.push(blob.descriptor, blob.bytes);
  await store.push(reference, bytes);
  const result = await indexImage({ store, reference }, { store }, { minLayerSize: 1000, jobs: 1, ...options });
  if (result.outcome !== 'indexed' || result.root === undefined) throw new Error(result.outcome);
  const { manifests } = parseImageIndex(await readVerified(store, result.root), result.root);
  return manifests.map(({ digest }) => digest);
}

/** Tests by the first cell of their row. */
const ROWS: Readonly<Record<string, () => Promise<void>>> = {
  async 'A tagged image that a filter matches'() {
    const workflow = await start({ filter: { soci_repository_image_tag_filters: 'app:v*' } });
    const made = image();
    const response = await workflow.pushAndIndex('app', 'v1', made);
    expect(response).toMatchObject({
      statusCode: 200,
      outcome: 'indexed',
      version: 2,
      outputTag: 'v1-soci',
      repository: 'app',
      tag: 'v1',
      digest: made.descriptor.digest,
      layers: { built: 2, reused: 0, skipped: 0 },
      spansVerified: 2,
    });
    expect(workflow.registry.tags('app')).toEqual(['v1', 'v1-soci']);
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(manifestsOf(workflow, 'app', 'v1-soci').map(({ artifactType }) => artifactType)).toEqual([
      undefined,
      MEDIA_TYPE_SOCI_INDEX_V2,
    ]);
  },

  async 'The same event again'() {
    const workflow = await start();
    await workflow.pushAndIndex('app', 'v1', image());
    workflow.registry.clearRequests();
    expect(await workflow.deliver(workflow.firstEvent())).toMatchObject({
      generator: { statusCode: 200, outcome: 'skipped', reason: 'already-indexed' },
    });
    expect(workflow.registry.requests).toHaveLength(3);
    expect(workflow.registry.requests.filter(({ port }) => port === 'storage')).toEqual([]);
  },

  async 'The manifests that the generator pushes'() {
    const workflow = await start();
    const made = image();
    await workflow.pushAndIndex('app', 'v1', made);
    const pushed = workflow.steps.filter(({ event }) => event.detail['image-digest'] !== made.descriptor.digest);
    // The SOCI index and the annotated manifest have no tag. The image index has a tag that is excluded.
    expect(pushed.map(({ event, isMatched }) => [event.detail['image-tag'], isMatched])).toEqual([
      ['', false],
      ['', false],
      ['v1-soci', true],
    ]);
    expect(pushed[2]?.filter?.body).toMatch(/not indexed: !\*:\*-soci excludes it/);
    expect(workflow.steps.filter(({ generator }) => generator !== undefined)).toHaveLength(1);
  },

  async 'A new image with an indexed base image'() {
    const workflow = await start();
    await workflow.pushAndIndex('app', 'v1', image());
    const next = makeImage([makeLayer('app-base'), makeLayer('another')]);
    expect(await workflow.pushAndIndex('app', 'v2', next)).toMatchObject({
      outcome: 'indexed',
      outputTag: 'v2-soci',
      layers: { built: 1, reused: 1, skipped: 0 },
    });
  },

  async 'An image with Docker media types'() {
    const workflow = await start();
    const made = makeDockerImage(['docker']);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({ outcome: 'indexed', outputTag: 'v1-soci' });
    expect(manifestsOf(workflow, 'app', 'v1-soci')[0]?.mediaType).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
  },

  async 'A multi-platform image'() {
    const workflow = await start();
    const entries = [AMD64, ARM64, S390X].map((platform) => ({
      made: makeImage([makeLayer('shared'), makeLayer(platform.architecture)], { platform }),
      fields: { platform },
    }));
    const made = makeIndex(entries);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({
      outcome: 'indexed',
      layers: { built: 4 },
      indexes: [{}, {}, {}],
    });
    const invoked = workflow.steps.filter(({ generator }) => generator !== undefined);
    expect(invoked.map(({ event }) => event.detail['image-tag'])).toEqual(['v1']);
    expect(manifestsOf(workflow, 'app', 'v1-soci')).toHaveLength(6);
  },

  async 'An image with BuildKit attestations'() {
    const workflow = await start();
    const platform = makeImage([makeLayer('app')]);
    const fields = {
      platform: { architecture: 'unknown', os: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': platform.descriptor.digest,
      },
    };
    const attestation = makeBuildKitAttestation();
    const made = makeIndex([
      { made: platform, fields: { platform: AMD64 } },
      { made: attestation, fields },
    ]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({ outcome: 'indexed', indexes: [{}] });
    const [converted, carried] = manifestsOf(workflow, 'app', 'v1-soci');
    expect(carried).toMatchObject({
      digest: attestation.descriptor.digest,
      annotations: { 'vnd.docker.reference.digest': converted?.digest },
    });
  },

  async 'An untagged image'() {
    const workflow = await start();
    await workflow.push('app', undefined, image());
    expect(await workflow.settle()).toMatchObject([{ isMatched: false }]);
  },

  async 'An untagged image, with `soci_index_untagged`'() {
    const workflow = await start({ filter: { soci_index_untagged: 'true' } });
    expect(await workflow.pushAndIndex('app', undefined, image())).toMatchObject({
      outcome: 'skipped',
      reason: 'untagged',
    });
  },

  async 'The same, with an output tag without `{tag}`'() {
    const environment = { soci_output_tag: 'soci-{digest12}' };
    const workflow = await start({ filter: { soci_index_untagged: 'true', ...environment }, generator: environment });
    const made = image();
    const tag = `soci-${made.descriptor.digest.slice(7, 19)}`;
    expect(await workflow.pushAndIndex('app', undefined, made)).toMatchObject({ outcome: 'indexed', outputTag: tag });
    expect(workflow.registry.tags('app')).toEqual([tag]);
    // The generator's own manifests are also untagged. It recognizes them by their content.
    const others = workflow.steps.flatMap(({ generator }) =>
      generator?.outcome === 'skipped' ? [generator.reason] : [],
    );
    expect(others).toEqual(['soci-enabled']);
  },

  async 'An image, with `soci_output_tag` set to `none`'() {
    const environment = { soci_output_tag: 'none' };
    const workflow = await start({ filter: environment, generator: environment });
    const response = await workflow.pushAndIndex('app', 'v1', image());
    if (response.outcome !== 'indexed') throw new Error(response.body);
    expect(response.outputTag).toBeUndefined();
    expect(workflow.registry.tags('app')).toEqual(['v1']);
    expect(workflow.registry.checkGraph('app', response.root?.digest ?? '')).toEqual([]);
  },

  async 'An image, with `soci_index_version` set to `V1`'() {
    const workflow = await start({ generator: { soci_index_version: 'V1' } });
    const made = image();
    const response = await workflow.pushAndIndex('app', 'v1', made);
    if (response.outcome !== 'indexed') throw new Error(response.body);
    expect(response).toMatchObject({ version: 1, indexes: [{}] });
    const found = workflow.registry.manifest('app', response.indexes[0]?.digest ?? '');
    expect(JSON.parse(Buffer.from(found?.bytes ?? []).toString())).toMatchObject({
      config: { mediaType: MEDIA_TYPE_SOCI_INDEX_V1 },
      subject: { digest: made.descriptor.digest },
    });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
    expect(workflow.steps.filter(({ isMatched }) => isMatched)).toHaveLength(1);
    expect(await workflow.deliver(workflow.firstEvent())).toMatchObject({ generator: { reason: 'already-indexed' } });
  },

  async 'An image that no filter matches'() {
    const workflow = await start({ filter: { soci_repository_image_tag_filters: 'prod/*:*' } });
    await workflow.push('app', 'v1', image());
    expect(await workflow.settle()).toMatchObject([
      { isMatched: true, filter: { statusCode: 200, body: expect.stringContaining('did not match any') } },
    ]);
  },

  async 'An image that a filter with `!` excludes'() {
    const workflow = await start({ filter: { soci_repository_image_tag_filters: '*:*,!*:*-dev' } });
    await workflow.push('app', 'v1-dev', image());
    const [step] = await workflow.settle();
    expect(step).toMatchObject({ filter: { statusCode: 200, body: expect.stringContaining('!*:*-dev excludes it') } });
    expect(step?.generator).toBeUndefined();
  },

  async 'An image whose layers are all smaller than `soci_min_layer_size`'() {
    const workflow = await start();
    const made = makeImage([makeLayer('tiny', 100)]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({
      statusCode: 200,
      outcome: 'skipped',
      reason: 'layers-too-small',
      message: 'none of its 1 layers is indexed: 1 smaller than 1000 bytes',
    });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image whose layers are compressed with zstd'() {
    const workflow = await start();
    const made = makeImage([makeZstdLayer('a'), makeLayer('tiny', 100)]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({
      outcome: 'skipped',
      reason: 'layers-not-supported',
      message:
        'none of its 2 layers is indexed: 1 smaller than 1000 bytes, 1 compressed with a method other than gzip. Set soci_recompress to zstd to recompress zstd layers with gzip',
    });
  },

  async 'The same, with `soci_recompress` set to `zstd`'() {
    const workflow = await start({ generator: { soci_recompress: 'zstd' } });
    const layers = [makeZstdTextLayer('base'), makeTextLayer('app')];
    const made = makeLayeredImage(layers);
    const response = await workflow.pushAndIndex('app', 'v1', made);
    const [base, app] = layers.map(({ bytes }) => sha256(bytes));
    expect(response).toMatchObject({
      outcome: 'indexed',
      layers: { built: 2, reused: 0, skipped: 0 },
      recompressed: [{ from: { digest: base, mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD } }],
      spansVerified: 2,
    });
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(workflow.registry.manifest('app', 'v1')?.digest).toBe(made.descriptor.digest);
    const [manifest] = manifestsOf(workflow, 'app', 'v1-soci');
    const raw = workflow.registry.manifest('app', manifest?.digest as string)?.bytes as Uint8Array;
    const { config, layers: written } = parseManifest(raw, manifest as Descriptor);
    expect(config.digest).toBe(parseManifest(made.bytes, made.descriptor).config.digest);
    expect(written.map(({ mediaType }) => mediaType)).toEqual([MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER_GZIP]);
    expect(written[1]?.digest).toBe(app);
    // The events of the new manifests invoke no generator, and the same event reads no layer.
    expect(workflow.steps.filter(({ generator }) => generator !== undefined)).toHaveLength(1);
    workflow.registry.clearRequests();
    expect(await workflow.generate(workflow.firstEvent())).toMatchObject({ reason: 'already-indexed' });
    expect(workflow.registry.requests.filter(({ port }) => port === 'storage')).toEqual([]);
    // If the tag is taken, nothing is overwritten.
    await workflow.push('app', 'v2-soci', image('other'));
    const next = makeLayeredImage([makeZstdTextLayer('next')]);
    expect(await workflow.pushAndIndex('app', 'v2', next)).toMatchObject({ outcome: 'failed', reason: 'tag-taken' });
  },

  async 'An image, with `soci_use_stored_profile`, in a repository with a profile'() {
    const workflow = await start({ generator: { soci_use_stored_profile: 'true' } });
    const { digest } = await storeProfile(workflow.registry, '/bin/app');
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    expect(response).toMatchObject({
      outcome: 'indexed',
      outputTag: 'v1-soci',
      profile: { origin: 'stored', digest, filesFound: 1 },
      spansVerified: expect.any(Number),
    });
    expect(response).not.toHaveProperty('profile.problem');
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
    expect(indexOf(workflow)).toEqual(await indexWith({ profile: { files: [{ path: '/bin/app' }] } }));
    expect(indexOf(workflow)).not.toEqual(await indexWith({}));
    // The same event again.
    expect(await workflow.deliver(workflow.steps.at(-4)?.event as never)).toMatchObject({
      generator: { reason: 'already-indexed' },
    });
  },

  async 'The same, without a stored profile'() {
    const workflow = await start({ generator: { soci_use_stored_profile: 'true' } });
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    expect(response).toMatchObject({ outcome: 'indexed', profile: { origin: 'none', filesFound: 0 } });
    expect(indexOf(workflow)).toEqual(await indexWith({}));
  },

  async 'The same, with a profile that names no file of the image'() {
    const workflow = await start({ generator: { soci_use_stored_profile: 'true' } });
    await storeProfile(workflow.registry, '/bin/other');
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    expect(response).toMatchObject({ outcome: 'indexed', profile: { origin: 'stored', filesFound: 0 } });
    expect(indexOf(workflow)).toEqual(await indexWith({}));
  },

  async 'The same, with a malformed profile'() {
    const workflow = await start({ generator: { soci_use_stored_profile: 'true' } });
    await storeProfile(workflow.registry, '/bin/app');
    await storeMalformedProfile(workflow.registry);
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    const problem = expect.stringContaining('schemaVersion: 2 is not supported');
    expect(response).toMatchObject({ outcome: 'indexed', profile: { origin: 'none', filesFound: 0, problem } });
    expect(workflow.lines).toContainEqual(
      expect.objectContaining({ message: 'the stored profile is not used', problem }),
    );
    expect(indexOf(workflow)).toEqual(await indexWith({}));
  },

  async 'An image, with `soci_span_size` set to `auto`, in a repository with a profile'() {
    const workflow = await start({ generator: { soci_span_size: 'auto' } });
    await storeProfile(workflow.registry, '/bin/app');
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    expect(response).toMatchObject({ outcome: 'indexed', profile: { origin: 'stored', filesFound: 1 } });
    expect(indexOf(workflow)).toEqual(await indexWith({ profile: { files: [{ path: '/bin/app' }] } }));
  },

  async 'The same, in a repository without a profile'() {
    const workflow = await start({ generator: { soci_span_size: 'auto' } });
    const response = await workflow.pushAndIndex('app', 'v1', largeImage());
    expect(response).toMatchObject({ outcome: 'indexed', profile: { origin: 'predicted', filesFound: 1 } });
    expect(indexOf(workflow)).toEqual(await indexWith({ spanSize: 'auto' }));
    expect(indexOf(workflow)).not.toEqual(await indexWith({}));
  },

  async 'An image with a layer whose content does not match its media type, such as zstd with a gzip type'() {
    const workflow = await start();
    const wrong = contentOf('application/vnd.oci.image.layer.v1.tar+gzip', makeZstdLayer('wrong').bytes);
    const made = makeImage([makeLayer('good'), wrong]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({ outcome: 'indexed', layers: { built: 1 } });
    expect(await workflow.pushAndIndex('app', 'v2', makeImage([wrong]))).toMatchObject({
      outcome: 'skipped',
      reason: 'layers-not-supported',
      message: 'none of its 1 layers is indexed: 1 with content that does not match the media type',
    });
    expect(workflow.registry.tags('app')).toEqual(['v1', 'v1-soci', 'v2']);
  },

  async 'An image with a layer that the runtime does not mount, such as one with a hard link to another layer'() {
    const workflow = await start();
    const archive = concat(
      tarEntry({ name: 'copy', type: '1', linkName: 'app' }),
      tarEntry({ name: 'x' }, noise(5000)),
      TAR_END,
    );
    const linked = contentOf('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(archive));
    const response = await workflow.pushAndIndex('app', 'v1', makeImage([makeLayer('app'), linked]));
    expect(response).toMatchObject({ statusCode: 200, outcome: 'indexed', layers: { built: 2 } });
    const message = expect.stringContaining('the runtime will pull this layer whole');
    const warning = { code: 'hard-link-target-missing', effect: 'pulled-whole', layer: linked.descriptor.digest };
    expect(response).toMatchObject({ warnings: expect.arrayContaining([{ ...warning, message }]) });
    expect(workflow.lines).toContainEqual(expect.objectContaining({ ...warning, message }));
  },

  async 'An image whose layers are encrypted'() {
    const workflow = await start();
    const encrypted = contentOf('application/vnd.oci.image.layer.v1.tar+gzip+encrypted', makeLayer('secret').bytes);
    expect(await workflow.pushAndIndex('app', 'v1', makeImage([encrypted]))).toMatchObject({
      outcome: 'skipped',
      reason: 'layers-not-supported',
      message: 'none of its 1 layers is indexed: 1 encrypted',
    });
  },

  async 'An image index whose entries have no platform'() {
    const workflow = await start();
    const entries = [AMD64, ARM64].map((platform) => ({
      made: makeImage([makeLayer(platform.architecture)], { platform }),
      fields: {},
    }));
    expect(await workflow.pushAndIndex('app', 'v1', makeIndex(entries))).toMatchObject({
      outcome: 'indexed',
      indexes: [{}, {}],
    });
    expect(manifestsOf(workflow, 'app', 'v1-soci').map(({ platform }) => platform)).toEqual([
      AMD64,
      ARM64,
      AMD64,
      ARM64,
    ]);
  },

  async 'An image without layers'() {
    const workflow = await start();
    expect(await workflow.pushAndIndex('app', 'v1', makeImage([]))).toMatchObject({ reason: 'no-layers' });
  },

  async 'An image index without runnable images'() {
    const workflow = await start();
    const made = makeIndex([]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({ outcome: 'skipped', reason: 'no-platform' });
  },

  async 'A Helm chart'() {
    expect(await generateFor(await start(), makeHelmChart())).toMatchObject({
      outcome: 'skipped',
      reason: 'not-an-image',
      message: 'it is an artifact of type application/vnd.cncf.helm.config.v1+json',
    });
  },

  async 'A profile that `soci-index profile push` stores'() {
    const workflow = await start();
    await storeProfile(workflow.registry, '/bin/app');
    const steps = await workflow.settle();
    expect(steps.map(({ event, isMatched }) => [event.detail['image-tag'], isMatched])).toEqual([
      ['soci-profile', false],
      ['', false],
    ]);
    for (const { event } of steps) {
      // Like an old event without media types.
      const { 'manifest-media-type': _, 'artifact-media-type': __, ...detail } = event.detail;
      const tagged = { ...event, detail: { ...detail, 'image-tag': detail['image-tag'] || 'v1' } };
      expect(await workflow.generate(tagged)).toMatchObject({ outcome: 'skipped', reason: 'not-an-image' });
    }
    expect(workflow.registry.tags('app')).toEqual(['soci-profile']);
  },

  async 'A SOCI index'() {
    for (const type of [MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2]) {
      expect(await generateFor(await start(), SOCI_MANIFEST(type))).toMatchObject({ reason: 'soci-index' });
    }
  },

  async 'A SOCI-enabled image from another tool'() {
    const workflow = await start();
    await workflow.pushAndIndex('app', 'v1', image());
    const found = workflow.registry.manifest('app', 'v1-soci');
    if (found === undefined) throw new Error('v1-soci does not exist');
    const { digest, mediaType, bytes } = found;
    const descriptor = { digest, mediaType, size: bytes.length };
    const made = { mediaType, bytes, descriptor, blobs: [], manifests: [] };
    expect(await workflow.pushAndIndex('app', 'v2', made)).toMatchObject({
      outcome: 'skipped',
      reason: 'soci-enabled',
    });
    expect(workflow.registry.tags('app')).toEqual(['v1', 'v1-soci', 'v2']);
  },

  async 'An image whose tag is one that indexes get, such as `v1-soci`'() {
    const workflow = await start();
    await workflow.push('app', 'v1-soci', image());
    const [step] = await workflow.settle();
    expect(step).toMatchObject({ isMatched: true, filter: { body: expect.stringContaining('!*:*-soci excludes it') } });
    expect(step).not.toHaveProperty('generator');
    expect(await workflow.generate(workflow.firstEvent())).toMatchObject({ outcome: 'skipped', reason: 'excluded' });
    expect(workflow.registry.tags('app')).toEqual(['v1-soci']);
  },

  async 'A cosign signature'() {
    const workflow = await start();
    const made = makeSignature(image());
    const tag = `${made.descriptor.digest.replace(':', '-')}.sig`;
    expect(await workflow.pushAndIndex('app', tag, made)).toMatchObject({ outcome: 'skipped', reason: 'signature' });
  },

  async 'A cosign attestation'() {
    const workflow = await start();
    const made = makeAttestation(image());
    const tag = `${made.descriptor.digest.replace(':', '-')}.att`;
    expect(await workflow.pushAndIndex('app', tag, made)).toMatchObject({ outcome: 'skipped', reason: 'attestation' });
  },

  async 'An image whose tag has moved to another image'() {
    const workflow = await start();
    const first = image('first');
    await workflow.push('app', 'v1', first);
    await workflow.push('app', 'v1', image('second'));
    const steps = await workflow.settle();
    expect(steps.flatMap(({ generator }) => generator ?? [])).toMatchObject([
      { outcome: 'skipped', reason: 'tag-moved', digest: first.descriptor.digest },
      { outcome: 'indexed', outputTag: 'v1-soci' },
    ]);
  },

  async 'The same, if the tag moves while the index is built'() {
    const workflow = await start();
    const [first, second] = [image('first'), image('second')];
    await workflow.push('app', 'v1', first);
    const event = workflow.firstEvent();
    // Move the tag while a layer is read. The first response from storage is the config.
    const fault = { kind: 'slow', rate: 10_000 } as const;
    const slow = workflow.registry.inject({ on: { port: 'storage' }, after: 1, fault });
    const generating = workflow.generate(event);
    await vi.waitUntil(() => slow.hits > 0, { timeout: 60_000 });
    await workflow.push('app', 'v1', second);
    expect(await generating).toMatchObject({ outcome: 'skipped', reason: 'tag-moved' });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image that has been deleted'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    const detail = { ...event.detail, 'image-digest': `sha256:${'0'.repeat(64)}` };
    expect(await workflow.generate({ ...event, detail })).toMatchObject({ outcome: 'skipped', reason: 'gone' });
  },

  async 'An image that has been archived'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    workflow.registry.archive('app', 'v1');
    expect(await workflow.generate(event)).toMatchObject({ outcome: 'skipped', reason: 'archived' });
  },

  async 'The same, if the role does not allow `ecr:DescribeImages`'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    workflow.registry.archive('app', 'v1');
    const body = '{"__type":"AccessDeniedException","message":"no"}';
    // The first call gets a token.
    workflow.registry.inject({ on: { port: 'aws' }, after: 1, fault: { kind: 'status', status: 400, body } });
    expect(await workflow.generate(event)).toMatchObject({ outcome: 'skipped', reason: 'gone' });
  },

  async 'Two concurrent invocations for one image'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    const responses = await Promise.all([workflow.generate(event), workflow.generate(event)]);
    for (const response of responses) expect(response.statusCode).toBe(200);
    const roots = responses.flatMap((response) => (response.outcome === 'indexed' ? [response.root?.digest] : []));
    expect(new Set(roots).size).toBe(1);
    expect(workflow.registry.manifest('app', 'v1-soci')?.digest).toBe(roots[0]);
    expect(workflow.registry.checkGraph('app', 'v1-soci')).toEqual([]);
  },

  async 'An image whose index tag refers to something else'() {
    const workflow = await start();
    const taken = await workflow.push('app', 'v1-soci', image('other'));
    expect(await workflow.pushAndIndex('app', 'v1', image())).toMatchObject({
      statusCode: 422,
      outcome: 'failed',
      reason: 'tag-taken',
      message: expect.stringContaining('not overwriting it'),
    });
    expect(workflow.registry.manifest('app', 'v1-soci')?.digest).toBe(taken);
  },

  async 'An image in a repository with immutable tags'() {
    const workflow = await start({ registry: { immutableTags: true } });
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    expect(await workflow.generate(event)).toMatchObject({ outcome: 'indexed', outputTag: 'v1-soci' });
    expect(await workflow.generate(event)).toMatchObject({ outcome: 'skipped', reason: 'already-indexed' });
  },

  async 'The same, if the index tag has an index with other settings'() {
    const workflow = await start({ registry: { immutableTags: true } });
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    await workflow.generate(event, { soci_span_size: '4096' });
    const before = workflow.registry.manifest('app', 'v1-soci')?.digest;
    expect(await workflow.generate(event)).toMatchObject({
      statusCode: 422,
      outcome: 'failed',
      reason: 'tag-immutable',
    });
    expect(workflow.registry.manifest('app', 'v1-soci')?.digest).toBe(before);
  },

  async 'An image whose tag is too long for the output tag'() {
    const workflow = await start();
    expect(await workflow.pushAndIndex('app', 'v'.repeat(126), image())).toMatchObject({ reason: 'tag-too-long' });
  },

  async 'An image with a corrupt layer'() {
    const workflow = await start();
    const made = makeImage([makeLayer('app'), makeBrokenLayer('broken')]);
    expect(await workflow.pushAndIndex('app', 'v1', made)).toMatchObject({
      statusCode: 422,
      outcome: 'failed',
      reason: 'image-invalid',
    });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image with a layer that exceeds a limit'() {
    const workflow = await start({ generator: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256' } });
    const [longName = Buffer.of()] = METADATA_BOMBS['GNU long names']?.() ?? [];
    const tar = Buffer.concat(Array.from({ length: 400 }, () => longName));
    const bomb = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(tar, { level: 1 }));
    expect(await workflow.pushAndIndex('app', 'v1', makeImage([makeLayer('app'), bomb]))).toMatchObject({
      statusCode: 422,
      outcome: 'failed',
      reason: 'image-invalid',
      message: expect.stringContaining('exceeds maxZtocSize (19573418 bytes)'),
    });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image in a repository that the role may not write to'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    workflow.registry.inject({
      on: { port: 'registry', method: 'POST' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"not authorized"}]}' },
    });
    const [step] = await workflow.settle();
    expect(step?.generator).toMatchObject({ statusCode: 422, outcome: 'failed', reason: 'access-denied' });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An index that fails verification'() {
    const workflow = await start();
    await workflow.push('app', 'v1', makeImage([makeLayer('app')]));
    // Responses from storage: the config, the layer, and the span that is verified, which is read twice.
    const fault = { kind: 'wrong-bytes', atByte: 100 } as const;
    workflow.registry.inject({ on: { port: 'storage' }, after: 2, times: 2, fault });
    const [step] = await workflow.settle();
    expect(step?.generator).toMatchObject({ statusCode: 422, outcome: 'failed', reason: 'not-proved' });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image that takes longer than the function timeout'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    const slow = { kind: 'slow', rate: 100 } as const;
    workflow.registry.inject({ on: { port: 'storage' }, times: Number.POSITIVE_INFINITY, fault: slow });
    expect(await workflow.generate(event, {}, 8000)).toMatchObject({
      statusCode: 422,
      outcome: 'failed',
      reason: 'deadline',
      message: expect.stringMatching(
        /about to time out: reading layers, 0 of 2 layers done, 0\.\d of 0\.0 MB read.*No tag was set/,
      ),
    });
    expect(workflow.registry.tags('app')).toEqual(['v1']);
  },

  async 'An image while the registry is unavailable'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const outage = workflow.registry.inject({
      on: { port: 'registry' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 503, retryAfter: 0 },
    });
    const event = workflow.firstEvent();
    await expect(workflow.generate(event)).rejects.toMatchObject({ name: 'FunctionError', code: 'TRY_AGAIN' });
    outage.remove();
    // Lambda retries.
    expect(await workflow.generate(event)).toMatchObject({ outcome: 'indexed' });
  },

  async 'An event that is not from Amazon ECR'() {
    const workflow = await start();
    for (const event of [undefined, null, 1, 'text', [], {}, { source: 'aws.s3' }]) {
      expect(await workflow.generate(event)).toMatchObject({ statusCode: 400, reason: 'event-invalid' });
    }
    expect(workflow.registry.requests).toEqual([]);
  },

  async 'An event of another account, unless it is a [member account](several-accounts.md), or of another Region'() {
    const workflow = await start();
    await workflow.push('app', 'v1', image());
    const event = workflow.firstEvent();
    workflow.registry.clearRequests();
    const account = { ...event, account: '210987654321' };
    expect(await workflow.deliver(account)).toMatchObject({ filter: { statusCode: 200 } });
    expect((await workflow.deliver(account)).generator).toBeUndefined();
    expect(await workflow.generate(account)).toMatchObject({ outcome: 'skipped', reason: 'other-account' });
    expect(await workflow.generate({ ...event, region: 'eu-west-1' })).toMatchObject({ reason: 'other-region' });
    expect(workflow.registry.requests).toEqual([]);
  },

  async 'The deletion of an image'() {
    const workflow = await start();
    const digest = await workflow.push('app', 'v1', image());
    await workflow.settle();
    const { username, password } = workflow.registry.credentials;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    await fetch(`${workflow.registry.url}/v2/app/manifests/${digest}`, {
      method: 'DELETE',
      headers: { authorization },
    });
    const [step] = await workflow.settle();
    expect(step).toMatchObject({ event: { detail: { 'action-type': 'DELETE' } }, isMatched: false });
  },
};

describe('outcomes', () => {
  it.each(Object.entries(ROWS))('%s', (_, run) => run());

  it('has a test for each row of docs/outcomes.md, in the same order', () => {
    const text = readFileSync(new URL('../../../docs/outcomes.md', import.meta.url), 'utf8');
    const [table = ''] = text.split('\n## ');
    const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| pushed '));
    expect(rows.map((row) => row.split(' | ')[0]?.replace(/^\| /, ''))).toEqual(Object.keys(ROWS));
  });
});

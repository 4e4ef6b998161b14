import { availableParallelism } from 'node:os';
import { type Descriptor, digestOf, type Fetcher, isImageManifest, OCI_IMAGE_INDEX } from '@soci/oci';
import { type Artifact, ArtifactList } from './artifact.ts';
import type { NothingToIndex } from './build-index.ts';
import { ImageReader } from './image/image-reader.ts';
import { dedupePlatforms } from './image/platform-match.ts';
import { listPlatforms } from './image/select.ts';
import {
  type DescriptorStruct,
  encodeIndex,
  plainDescriptor,
  toDescriptor,
  toDescriptorStruct,
} from './image/structs.ts';
import { obtainLayers } from './layers/obtain-layers.ts';
import { type ResolvedOptions, resolveOptions, type SociIndexOptions } from './options.ts';
import { choosePlatforms, collectTasks, planPlatforms } from './plan-image.ts';
import { type LayerReport, type PlatformReport, reportLayers, reportPlatform } from './report.ts';
import { type AttachedIndex, rewriteImageIndex } from './rewrite-index.ts';
import { assembleSociIndex } from './soci-manifest.ts';

/** What {@link convertImage} has come to. */
export type ConvertResult = ConvertedImage | NothingToIndex;

/** The image was converted. */
export interface ConvertedImage {
  readonly outcome: 'indexed';
  /** The converted image: an OCI image index, to be pushed last and tagged. */
  readonly root: Descriptor;
  /** The SOCI index manifests that it lists. */
  readonly indexes: readonly Descriptor[];
  /** What to push, leaves before roots; configurations, layers and untouched manifests are the image's own. */
  readonly artifacts: readonly Artifact[];
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/**
 * Converts an image into a SOCI-enabled one (v2): an image index that lists the image's manifests, each with an
 * annotation that names its SOCI index, and the SOCI indexes. Layers and configurations stay as they are; manifests, and
 * so the image's digest, change. Nothing is pushed. Converting a converted image again changes nothing.
 *
 * @param store - Holds the image. Each layer that is indexed is fetched once, in full, and verified.
 * @param image - An image manifest, which is wrapped in an image index, or an image index, OCI or Docker.
 * @throws SociIndexError; `OciError` and what else `store` throws; the reason of `options.signal`.
 * @see soci-snapshotter v0.16.1, soci/soci_convert.go, `Convert`
 */
export async function convertImage(
  store: Fetcher,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<ConvertResult> {
  const resolved = resolveOptions(options, availableParallelism());
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const source = toDescriptorStruct(image);
  const available = await listPlatforms(reader, source);
  const [first] = available;
  if (first === undefined) {
    return { outcome: 'nothing-to-index', reason: 'no-platform', platforms: [], layers: [] };
  }
  // The index that will list a single manifest has to say what it runs on; so far only its configuration does.
  const target = isImageManifest(source.mediaType) ? { ...source, platform: first } : source;
  const chosen = dedupePlatforms(choosePlatforms(target, available, resolved));
  const plans = await planPlatforms(reader, target, chosen, resolved);
  const built = await obtainLayers(store, collectTasks(plans), resolved);
  const indexes = plans.map(({ manifest, layers }) =>
    assembleSociIndex({ version: 2, subject: manifest, layers, built, options: resolved }),
  );
  const platforms = plans.map((plan, i) => reportPlatform(plan, indexes[i], built, resolved.prefetchFiles));
  const layers = reportLayers(plans, indexes, built);
  const attached = plans.flatMap(({ platform, manifest }, i): AttachedIndex[] => {
    const index = indexes[i];
    return index === undefined
      ? []
      : [{ platform, manifest, descriptor: index.descriptor, artifacts: index.artifacts }];
  });
  if (attached.length === 0) return { outcome: 'nothing-to-index', reason: 'no-layer-to-index', platforms, layers };
  return { outcome: 'indexed', ...(await assembleImage(reader, target, attached, resolved)), platforms, layers };
}

async function assembleImage(
  reader: ImageReader,
  target: DescriptorStruct,
  attached: readonly AttachedIndex[],
  options: ResolvedOptions,
): Promise<Pick<ConvertedImage, 'root' | 'indexes' | 'artifacts'>> {
  const index = isImageManifest(target.mediaType)
    ? { schemaVersion: 2, artifactType: '', manifests: [target], subject: null, annotations: null }
    : await reader.index(target);
  const rewritten = await rewriteImageIndex(reader, { ...index, mediaType: OCI_IMAGE_INDEX }, attached, {
    isCompat: options.isCompat,
    isWrapped: isImageManifest(target.mediaType),
  });
  const content = encodeIndex(rewritten.index);
  const root = toDescriptor(plainDescriptor(OCI_IMAGE_INDEX, digestOf(content), content.length));
  const artifacts = new ArtifactList();
  for (const { artifacts: own } of attached) artifacts.add(...own);
  artifacts.add(...rewritten.manifests, { kind: 'image-index', descriptor: root, content });
  return {
    root,
    indexes: attached.map(({ descriptor }) => toDescriptor(descriptor)),
    artifacts: artifacts.list(),
  };
}

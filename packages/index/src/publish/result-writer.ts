import {
  type BlobLocator,
  type CallOptions,
  copyImage,
  type Descriptor,
  type Fetcher,
  type ImageWriter,
  isManifestOrIndex,
  type ManifestPusher,
  MEDIA_TYPE_OCI_EMPTY,
  type Mounter,
  type Prober,
  type Pusher,
  readVerified,
} from '@soci/oci';
import { describeContent, EMPTY_CONFIG } from '../describe-content.ts';
import { fetchRecompressed } from '../layers/recompress-layer.ts';
import type { BuildOutput, PublishJob } from './job.ts';
import type { TargetStore } from './options.ts';

/** Chunk size for reading new content, in bytes. */
const CHUNK_SIZE = 1 << 20;

/** The configuration of every SOCI index: a blob of two bytes. It is pushed first, to test write access. */
const PROBE = describeContent(MEDIA_TYPE_OCI_EMPTY, EMPTY_CONFIG);

/** Tag of a root in a layout. It must not be copied to the target. */
const ANNOTATION_REF_NAME = 'org.opencontainers.image.ref.name';

/** Target that accepts blobs and manifests one at a time. */
type IncrementalStore = Exclude<TargetStore, ImageWriter>;

/** Writes an index to the target: leaves before roots, and the tag last. */
export class ResultWriter {
  readonly #job: PublishJob;
  /** Digests of blobs that were written before. */
  readonly #written = new Set<string>();

  constructor(job: PublishJob) {
    this.#job = job;
  }

  /** Tests write access to a registry: pushes the configuration blob that every SOCI index has. */
  async checkWritable(call: CallOptions): Promise<void> {
    const { target } = this.#job;
    if ('writeImages' in target || !isRegistry(target)) return;
    await target.push(PROBE, EMPTY_CONFIG, call);
    this.#written.add(PROBE.digest);
  }

  /** Writes a zTOC before the manifests that list it. An aborted run leaves it behind: nothing refers to it. */
  async writeZtoc(ztoc: Descriptor, content: Uint8Array, call: CallOptions): Promise<void> {
    const { target } = this.#job;
    if ('writeImages' in target) throw new Error('an archive is written in one piece');
    await target.push(ztoc, content, call);
    this.#written.add(ztoc.digest);
  }

  /** Writes all content except the tag. Skips the image if the target contains it; mounts or copies other blobs. */
  async write(output: BuildOutput): Promise<void> {
    const { source, target, call, concurrency, mountFrom, holdsImage, report } = this.#job;
    report({ type: 'pushing' });
    const content = this.#countBytes(overlayOutput(output, source));
    if ('writeImages' in target) {
      await target.writeImages(content, this.#roots(output), call);
      return;
    }
    const { artifacts, recompressed = [] } = output;
    for (const { isStored, gzip } of recompressed) if (isStored) this.#written.add(gzip.digest);
    const isNew = new Set([
      ...artifacts.map(({ descriptor }) => descriptor.digest),
      ...recompressed.map(({ gzip }) => gzip.digest),
    ]);
    const destination = this.#wrapTarget(target, output, isNew);
    const roots = new Map(this.#roots(output).map(({ target: root }) => [root.digest, root]));
    for (const root of roots.values()) {
      await copyImage(content, destination, root, {
        ...call,
        concurrency,
        // A layout may contain part of an image. A registry rejects a manifest if its blobs are missing.
        repair: !isRegistry(target),
        present: ({ digest }) => this.#written.has(digest) || (holdsImage && !isNew.has(digest)),
        ...(mountFrom !== undefined && { mountFrom }),
      });
    }
  }

  /**
   * Tags the result, or adds untagged roots to the index of a layout. A registry is asked whether it stored the last
   * manifest, with one request.
   */
  async tagRoots(output: BuildOutput): Promise<void> {
    const { source, target, call } = this.#job;
    if ('writeImages' in target) return;
    const content = overlayOutput(output, source);
    for (const { target: root, reference } of this.#roots(output)) {
      if (isRegistry(target)) {
        if (reference === '' && root.digest !== output.root?.digest) continue;
        const raw = await readVerified(content, root, call);
        await target.pushManifest(root, raw, { ...call, confirm: true, ...(reference !== '' && { tag: reference }) });
      } else if (reference !== '') {
        await target.tag(root, reference, call);
      } else {
        await target.addRoot?.(root, call);
      }
    }
  }

  /** Manifests to tag or list: the SOCI-enabled image; or the image, if it is copied or tagged, and its SOCI indexes. */
  #roots({ root, indexes }: BuildOutput): { readonly target: Descriptor; readonly reference: string }[] {
    const { image, tags, holdsImage } = this.#job;
    const references = tags.length === 0 ? [''] : tags;
    if (root !== undefined) return references.map((reference) => ({ target: root, reference }));
    const isUnchanged = holdsImage && tags.length === 0;
    const copied = isUnchanged ? [] : references.map((reference) => ({ target: withoutRefName(image), reference }));
    return [...copied, ...indexes.map((target) => ({ target, reference: '' }))];
  }

  /**
   * Wraps the target for `copyImage`. In a registry, skips the existence check of new manifests, and does not push the root
   * of a SOCI-enabled image: `tagRoots` pushes it with its tag.
   */
  #wrapTarget(
    target: IncrementalStore,
    output: BuildOutput,
    isNew: ReadonlySet<string>,
  ): Pusher & Prober & Partial<Mounter> {
    const { source, report, tag } = this.#job;
    const { root, layers, artifacts, indexes } = output;
    // The last manifest that is pushed, unless `tagRoots` pushes one.
    const last = root === undefined && !tag ? indexes.at(-1)?.digest : undefined;
    const built = layers.filter((layer) => layer.outcome === 'indexed' && layer.origin === 'built');
    const verified = new Set(built.map(({ digest }) => digest));
    const registry = isRegistry(target) ? target : undefined;
    const isNewManifest = ({ digest, mediaType }: Descriptor) => isNew.has(digest) && isManifestOrIndex(mediaType);
    const newContent = new Map(artifacts.map(({ descriptor, content }) => [descriptor.digest, content]));
    return {
      exists: async (descriptor, options) =>
        !(registry && isNewManifest(descriptor)) && target.exists(descriptor, options),
      async push(descriptor, content, options) {
        if (registry && content instanceof Uint8Array && isNewManifest(descriptor)) {
          if (descriptor.digest === root?.digest) return;
          await registry.pushManifest(descriptor, content, { ...options, confirm: descriptor.digest === last });
        } else if (target.importBlob && isLocator(source) && verified.has(descriptor.digest)) {
          await target.importBlob(source, descriptor, options);
          report({ type: 'push-progress', digest: descriptor.digest, size: descriptor.size, bytes: descriptor.size });
        } else {
          // Pass new content as bytes: a stream would be buffered again for retries.
          const bytes = newContent.get(descriptor.digest);
          await target.push(descriptor, bytes ?? content, options);
          if (bytes)
            report({ type: 'push-progress', digest: descriptor.digest, size: descriptor.size, bytes: descriptor.size });
        }
      },
      mount: async (descriptor, from, options) => (await target.mount?.(descriptor, from, options)) ?? false,
    };
  }

  /** Wraps content to report the bytes that are read. */
  #countBytes(content: Fetcher & Prober): Fetcher & Prober {
    const { report } = this.#job;
    return {
      exists: (target, options) => content.exists(target, options),
      async *fetch(target, options) {
        const { digest, size } = target;
        let bytes = 0;
        for await (const chunk of content.fetch(target, options)) {
          bytes += chunk.length;
          report({ type: 'push-progress', digest, size, bytes });
          yield chunk;
        }
      },
    };
  }
}

function isRegistry(store: IncrementalStore): store is IncrementalStore & ManifestPusher {
  return store.pushManifest !== undefined;
}

function isLocator(store: Partial<BlobLocator>): store is BlobLocator {
  return store.locate !== undefined;
}

/**
 * Combines new artifacts, recompressed layers, and the store of the image. Copies nothing: zTOCs may have hundreds of
 * megabytes. A recompressed layer is created again when it is read.
 */
export function overlayOutput(
  { artifacts, recompressed = [] }: Pick<BuildOutput, 'artifacts' | 'recompressed'>,
  image: Fetcher & Prober,
): Fetcher & Prober {
  const added = new Map(artifacts.map(({ descriptor, content }) => [descriptor.digest, content]));
  const layers = new Map(recompressed.map((layer) => [layer.gzip.digest, layer]));
  return {
    async *fetch(target, options = {}) {
      const layer = layers.get(target.digest);
      const content = added.get(target.digest);
      if (layer !== undefined) yield* fetchRecompressed(image, layer, options.signal);
      else if (content === undefined) yield* image.fetch(target, options);
      else
        for (let start = 0; start < content.length; start += CHUNK_SIZE) {
          options.signal?.throwIfAborted();
          const chunk = content.subarray(start, start + CHUNK_SIZE);
          yield options.reuseChunks ? chunk : new Uint8Array(chunk);
        }
    },
    exists: async (target, options) =>
      added.has(target.digest) || layers.has(target.digest) || image.exists(target, options),
  };
}

/** Returns a descriptor without its tag in the source layout. */
function withoutRefName(descriptor: Descriptor): Descriptor {
  const { annotations, ...rest } = descriptor;
  const { [ANNOTATION_REF_NAME]: _, ...others } = annotations ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, annotations: others };
}

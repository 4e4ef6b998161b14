import { posix } from 'node:path';
import type { CallOptions } from '../content.ts';
import type { Descriptor } from '../descriptor.ts';
import { createDigester, digestOf, isDigest } from '../digest.ts';
import { asObject, optionalStrings, parseDocument, parseJson, stringField } from '../document.ts';
import { OciError, showValue } from '../errors.ts';
import { readDiffIds } from '../image-config.ts';
import { type FileSection, readSection, readSectionAt } from '../layout/file-section.ts';
import { blobPath } from '../layout/layout-files.ts';
import { LayoutReader } from '../layout/layout-reader.ts';
import { ANNOTATION_CONTAINERD_NAME } from '../layout/root-index.ts';
import { VirtualFiles } from '../layout/virtual-files.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { parseImageIndex, parseManifest } from '../manifest.ts';
import {
  isImageIndex,
  isImageManifest,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
} from '../media-types.ts';
import { readVerified } from '../read.ts';
import { type ArchiveInput, compressionOf, type OpenArchiveOptions, openArchiveFile } from './archive-file.ts';
import { type ArchiveMember, findMembers } from './archive-members.ts';
import { ArchiveStore, closeOnFailure, nameOf } from './archive-store.ts';

/** Maximum length of a path in the archive, in bytes. Docker's paths have about 80. */
const MAX_PATH_LENGTH = 512;

/** Maximum number of links between a path and its file. Docker's archives have one. */
const MAX_LINKS = 8;

/** Maximum number of manifests and image indexes in the archive that are searched for the manifests of its images. */
const MAX_SEARCHED_MANIFESTS = 1000;

const LAYER_TYPES: Readonly<Record<string, string>> = {
  gzip: MEDIA_TYPE_OCI_LAYER_GZIP,
  zstd: MEDIA_TYPE_OCI_LAYER_ZSTD,
};

/**
 * Opens an archive of `docker save`, `podman save` or a similar program (skopeo's `docker-archive`). It presents each
 * image as an OCI image:
 *
 * - A layer is stored as it is in the archive. The digest of a layer without compression is its diff ID.
 * - The configuration has the same bytes as in the archive.
 * - The manifest is the one in the archive if it has one for these layers, as Docker 25 and later write it. Otherwise it
 *   is generated, because older archives have none.
 *
 * `resolve` accepts the names in the archive, and their short forms: `ubuntu` is `docker.io/library/ubuntu:latest`. An
 * archive that is compressed with gzip or zstd, a pipe or a stream is first copied to a temporary file. Close the store
 * after use.
 *
 * @throws OciError `NOT_FOUND`, `ARCHIVE_INVALID`, `MANIFEST_INVALID`, `LIMIT_EXCEEDED`, `READ_FAILED`, `WRITE_FAILED`.
 * @see moby/moby, image/tarexport/save.go; containers/image v5, docker/internal/tarfile
 */
export async function openDockerArchive(
  archive: ArchiveInput,
  options: OpenArchiveOptions = {},
): Promise<DockerArchiveStore> {
  const { name = nameOf(archive) } = options;
  const file = await openArchiveFile(archive, name, options);
  return closeOnFailure(file, () => readDockerArchive(file, name, options));
}

/** Creates a store for an open archive. The store owns `archive` and closes it. @param name - For error messages. */
export async function readDockerArchive(
  archive: FileSection,
  name: string,
  call: CallOptions = {},
): Promise<DockerArchiveStore> {
  const members = await findMembers(archive, name, (path) => path.length <= MAX_PATH_LENGTH);
  const reader = new DockerArchiveReader(archive, name, members, call);
  const images = await reader.readImages();
  const roots = images.flatMap(({ root, names }) => {
    if (names.length === 0) return [root];
    return names.map((imageName) => ({ ...root, annotations: { [ANNOTATION_CONTAINERD_NAME]: imageName } }));
  });
  const files = new VirtualFiles(name, roots, async (path) => reader.openBlob(path));
  for (const { root, raw } of images) if (raw !== undefined) files.add(root, raw);
  return new DockerArchiveStore(
    files,
    archive,
    images.map(({ root }) => root),
  );
}

/** A read-only store of the images in an archive of `docker save`. Concurrent reads are allowed. */
export class DockerArchiveStore extends ArchiveStore {
  readonly #images: readonly Descriptor[];

  /** Use {@link openDockerArchive}. */
  constructor(files: VirtualFiles, archive: FileSection, images: readonly Descriptor[]) {
    super(files, archive);
    this.#images = images;
  }

  /** Returns the images in the order of `manifest.json`, each once, without names. */
  override async roots(): Promise<readonly Descriptor[]> {
    return this.#images;
  }
}

/** An image of the archive. */
interface DockerImage {
  readonly root: Descriptor;
  /** The generated manifest. Undefined if the archive has one. */
  readonly raw?: Uint8Array;
  readonly names: readonly string[];
}

/** A regular file of the archive and its path. */
interface FoundFile {
  readonly path: string;
  readonly section: FileSection;
}

/** Reads the documents of an archive, and describes its images. */
class DockerArchiveReader {
  readonly #archive: FileSection;
  readonly #name: string;
  readonly #members: ReadonlyMap<string, ArchiveMember>;
  readonly #call: CallOptions;
  /** Files by their path as a blob of a layout. */
  readonly #blobs = new Map<string, FileSection>();
  /** Configurations and layers by their position in the archive: images share them. */
  readonly #configs = new Map<number, { readonly config: Descriptor; readonly diffIds: readonly string[] }>();
  readonly #layers = new Map<number, Descriptor>();

  constructor(archive: FileSection, name: string, members: ReadonlyMap<string, ArchiveMember>, call: CallOptions) {
    this.#archive = archive;
    this.#name = name;
    this.#members = members;
    this.#call = call;
  }

  /** Opens a blob by its path in a layout. */
  openBlob(path: string): FileSection | undefined {
    return this.#blobs.get(path) ?? (this.#members.has(path) ? this.#find(path).section : undefined);
  }

  async readImages(): Promise<readonly DockerImage[]> {
    const items = await this.#readManifestFile();
    const originals = await this.#findOriginalManifests();
    const images: DockerImage[] = [];
    let count = 0;
    for (const [position, item] of items.entries()) {
      const where = `manifest.json[${position}]`;
      const object = asObject(item, where);
      const paths = optionalStrings(object, 'Layers', where) ?? [];
      count += paths.length;
      if (count > DEFAULT_LIMITS.maxNodes) {
        throw new OciError('LIMIT_EXCEEDED', `${this.#name} exceeds the limit of ${DEFAULT_LIMITS.maxNodes} layers`);
      }
      const { config, diffIds } = await this.#describeConfig(stringField(object, 'Config', where));
      if (paths.length !== diffIds.length) {
        const message = `${where} in ${this.#name} has ${paths.length} layers, but its configuration has ${diffIds.length} diff IDs`;
        throw new OciError('MANIFEST_INVALID', message);
      }
      const layers: Descriptor[] = [];
      for (const [index, path] of paths.entries())
        layers.push(await this.#describeLayer(path, diffIds[index] as string));
      const names = optionalStrings(object, 'RepoTags', where) ?? [];
      const original = originals.get(contentKey(config, layers));
      images.push(original === undefined ? { ...generateManifest(config, layers), names } : { root: original, names });
    }
    return images;
  }

  async #readManifestFile(): Promise<readonly unknown[]> {
    if (!this.#members.has('manifest.json')) {
      const remedy = this.#members.has('oci-layout')
        ? 'It is an archive of an OCI layout. Read it as oci-archive: (with openArchive in a program).'
        : this.#members.has('repositories')
          ? 'It was saved by a Docker older than 1.10. Load it into a current Docker and save it again.'
          : 'Create it with "docker save" or "podman save".';
      throw new OciError('ARCHIVE_INVALID', `${this.#name} has no manifest.json. ${remedy}`);
    }
    const items = parseJson(await this.#read('manifest.json'), `manifest.json in ${this.#name}`);
    if (!Array.isArray(items)) {
      throw new OciError(
        'MANIFEST_INVALID',
        `manifest.json in ${this.#name} must be a list, found ${showValue(items)}`,
      );
    }
    if (items.length > DEFAULT_LIMITS.maxManifests) {
      const message = `manifest.json in ${this.#name} has ${items.length} images, more than the limit of ${DEFAULT_LIMITS.maxManifests}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    return items;
  }

  async #describeConfig(path: string) {
    const { section } = this.#find(path);
    const known = this.#configs.get(section.start);
    if (known !== undefined) return known;
    const raw = await this.#read(path);
    const diffIds = readDiffIds(parseDocument(raw, `${path} in ${this.#name}`));
    const config = { mediaType: MEDIA_TYPE_OCI_IMAGE_CONFIG, digest: digestOf(raw), size: raw.length };
    this.#configs.set(section.start, { config, diffIds });
    this.#blobs.set(blobPath(config.digest), section);
    return { config, diffIds };
  }

  async #describeLayer(path: string, diffId: string): Promise<Descriptor> {
    const { path: realPath, section } = this.#find(path);
    const head = await readSectionAt(section, 0, Math.min(8, section.size), path);
    const compression = compressionOf(head);
    const { size } = section;
    // Readers verify the digest.
    if (compression === undefined)
      return this.#keepLayer({ mediaType: MEDIA_TYPE_OCI_LAYER, digest: diffId, size }, section);
    const known = this.#layers.get(section.start);
    if (known !== undefined) return known;
    const mediaType = LAYER_TYPES[compression];
    if (mediaType === undefined) {
      const message = `${path} in ${this.#name} is compressed with ${compression}. Load the image into Docker and save it again.`;
      throw new OciError('ARCHIVE_INVALID', message);
    }
    const digest = digestOfBlobPath(realPath) ?? (await this.#hash(section, path));
    const layer = { mediaType, digest, size };
    this.#layers.set(section.start, layer);
    return this.#keepLayer(layer, section);
  }

  #keepLayer(layer: Descriptor, section: FileSection): Descriptor {
    this.#blobs.set(blobPath(layer.digest), section);
    return layer;
  }

  async #hash(section: FileSection, path: string): Promise<string> {
    const digester = createDigester();
    const options = { ...this.#call, reuseChunks: true };
    for await (const chunk of readSection(section, `${path} in ${this.#name}`, options)) digester.update(chunk);
    return digester.digest();
  }

  /** Returns the manifests of an archive that also has an OCI layout, by their configuration and layers. */
  async #findOriginalManifests(): Promise<ReadonlyMap<string, Descriptor>> {
    const found = new Map<string, Descriptor>();
    if (!this.#members.has('index.json')) return found;
    const layout = new LayoutReader({ name: this.#name, open: async (path) => this.openBlob(path) });
    const isReadable = ({ mediaType }: Descriptor) => isImageManifest(mediaType) || isImageIndex(mediaType);
    try {
      const pending = (await layout.roots()).filter(isReadable);
      for (let position = 0; position < Math.min(pending.length, MAX_SEARCHED_MANIFESTS); position += 1) {
        const descriptor = pending[position] as Descriptor;
        // "docker save" lists all platforms of an image, but has the content of one.
        if (!(await layout.exists(descriptor, this.#call))) continue;
        const raw = await readVerified(layout, descriptor, this.#call);
        if (isImageIndex(descriptor.mediaType)) {
          const listed = parseImageIndex(raw, descriptor).manifests.filter(isReadable);
          pending.push(...listed.slice(0, MAX_SEARCHED_MANIFESTS));
        } else {
          const { mediaType, digest, size } = descriptor;
          const { config, layers } = parseManifest(raw, descriptor);
          found.set(contentKey(config, layers), { mediaType, digest, size });
        }
      }
    } catch (error) {
      // manifest.json has all that is needed. The layout of the archive can be incomplete.
      if (!(error instanceof OciError)) throw error;
    }
    return found;
  }

  async #read(path: string): Promise<Uint8Array> {
    const { section } = this.#find(path);
    const { maxManifestSize } = DEFAULT_LIMITS;
    if (section.size > maxManifestSize) {
      const message = `${path} in ${this.#name} has ${section.size} bytes, more than the limit of ${maxManifestSize}`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    return readSectionAt(section, 0, section.size, `${path} in ${this.#name}`);
  }

  /** Finds a file of the archive, and follows links. A path never leads out of the archive: only members are found. */
  #find(named: string): FoundFile {
    // Paths of members have one character per byte.
    let path = posix.normalize(Buffer.from(named).toString('latin1'));
    for (let links = 0; links <= MAX_LINKS; links += 1) {
      const member = this.#members.get(path);
      if (member === undefined) {
        throw new OciError(
          'ARCHIVE_INVALID',
          `${this.#name} has no file ${showValue(named)}, which manifest.json lists`,
        );
      }
      const { start, size, target, unreadable } = member;
      if (target === undefined) {
        if (unreadable === undefined) {
          return { path, section: { file: this.#archive.file, start, size, close: async () => {} } };
        }
        const reason = unreadable.endsWith('link') ? `${unreadable} that leads out of the archive` : unreadable;
        throw new OciError('ARCHIVE_INVALID', `${showValue(named)} in ${this.#name} is ${reason}, not a regular file`);
      }
      path = target;
    }
    throw new OciError('ARCHIVE_INVALID', `${showValue(named)} in ${this.#name} is a loop or a long chain of links`);
  }
}

function generateManifest(config: Descriptor, layers: readonly Descriptor[]) {
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return { root: { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: digestOf(raw), size: raw.length }, raw };
}

/** Identifies an image by the digests of its configuration and layers. */
function contentKey(config: Descriptor, layers: readonly Descriptor[]): string {
  return [config, ...layers].map(({ digest }) => digest).join(' ');
}

/** Returns the digest that a path of a layout has, such as `blobs/sha256/44136fa3...`. Readers verify it. */
function digestOfBlobPath(path: string): string | undefined {
  const [, algorithm, hex] = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

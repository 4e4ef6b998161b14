import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  type Descriptor,
  digestOf,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from '@soci/oci';
import { paxHeader, TAR_END, tarHeader, tarPadding } from '@soci/test-content';
import type { LayerPlan, TreeEntry } from './machine-layers.ts';

/** Options of {@link makeImage}. */
export interface MakeImageOptions {
  readonly signal: AbortSignal;
  /** Told of uncompressed bytes as they are packed, over all layers. */
  readonly onBytes: (bytes: number) => void;
}

/** Layers packed at the same time: gzip runs on threads of its own, so two keep two cores busy. */
const PARALLEL_LAYERS = 2;

/** A third less work than the usual level 6, and an image hardly larger: somebody is waiting. */
const GZIP_LEVEL = 4;

/** A packed layer, before it is named in a manifest. */
interface PackedLayer {
  readonly descriptor: Descriptor;
  /** Digest of the tar stream. */
  readonly diffId: string;
}

/**
 * Packs an image into a new OCI layout folder, complete or absent. The image is made with nothing of this project's own
 * but its media types: a plain image, as any builder makes it.
 */
export async function makeImage(folder: string, plans: readonly LayerPlan[], options: MakeImageOptions): Promise<void> {
  // Beside its place, which it takes when it is whole.
  const aside = `${folder}.${randomUUID()}.partial`;
  try {
    const blobs = join(aside, 'blobs', 'sha256');
    await mkdir(blobs, { recursive: true });
    const layers: PackedLayer[] = [];
    const waiting = [...plans.entries()];
    const packNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        layers[next[0]] = await packLayer(blobs, next[1], options);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_LAYERS }, packNext));
    const manifest = await writeManifest(blobs, plans, layers);
    const index = {
      schemaVersion: 2,
      manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }],
    };
    await writeFile(join(aside, 'index.json'), JSON.stringify(index));
    await writeFile(join(aside, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await mkdir(dirname(folder), { recursive: true });
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

async function packLayer(
  blobs: string,
  { entries }: LayerPlan,
  { signal, onBytes }: MakeImageOptions,
): Promise<PackedLayer> {
  const partial = join(blobs, `${randomUUID()}.partial`);
  const diff = measure(onBytes);
  const blob = measure();
  await pipeline(
    diff.pass(tarStream(entries, signal)),
    createGzip({ level: GZIP_LEVEL, chunkSize: 1 << 18 }),
    blob.pass,
    createWriteStream(partial),
    { signal },
  );
  const { digest, size } = blob.result();
  await rename(partial, join(blobs, digest.slice('sha256:'.length)));
  return { descriptor: { mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest, size }, diffId: diff.result().digest };
}

/** Passes bytes on; knows their number and digest at the end. */
function measure(onBytes: (bytes: number) => void = () => {}) {
  const hash = createHash('sha256');
  let size = 0;
  async function* pass(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
      onBytes(chunk.length);
      yield chunk;
    }
  }
  return { pass, result: () => ({ digest: `sha256:${hash.digest('hex')}`, size }) };
}

async function writeManifest(
  blobs: string,
  plans: readonly LayerPlan[],
  layers: readonly PackedLayer[],
): Promise<Descriptor> {
  const config = await writeBlob(blobs, MEDIA_TYPE_OCI_IMAGE_CONFIG, {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/usr/local/bin/node', '/app/dist/main.js'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: plans.map(({ title }) => ({ created_by: `copy ${title}` })),
  });
  return writeBlob(blobs, MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
  });
}

async function writeBlob(blobs: string, mediaType: string, document: object): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const digest = digestOf(bytes);
  await writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
  return { mediaType, digest, size: bytes.length };
}

const READ_SIZE = 1 << 20;
/** Bytes of a name that a header has room for. */
const NAME_SIZE = 100;
const TYPE_FLAGS = { file: '0', link: '2', folder: '5' } as const;
const encoder = new TextEncoder();

/**
 * A tar archive of the entries, as builders of images write it: ustar headers, PAX records for what does not fit there
 * (POSIX.1-2017, pax, "Interchange Format"); everything belongs to root.
 */
async function* tarStream(entries: readonly TreeEntry[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    signal.throwIfAborted();
    yield* headersOf(entry);
    if (entry.kind === 'file') yield* bodyOf(entry, signal);
  }
  yield TAR_END;
}

function* headersOf(entry: TreeEntry): Generator<Uint8Array> {
  const name = encoder.encode(entry.kind === 'folder' ? `${entry.name}/` : entry.name);
  const target = encoder.encode(entry.target);
  const modTime = Math.max(0, entry.modified);
  const records = [['path', name] as const, ['linkpath', target] as const];
  const long = records.filter(([, bytes]) => bytes.length > NAME_SIZE);
  if (long.length > 0) yield paxHeader(long, { modTime });
  yield tarHeader({
    name: name.subarray(0, NAME_SIZE),
    type: TYPE_FLAGS[entry.kind],
    mode: entry.mode,
    size: entry.size,
    modTime,
    linkName: target.subarray(0, NAME_SIZE),
  });
}

/** Exactly `size` bytes, as the header says: a file that grows is cut, one that shrinks is filled with zeros. */
async function* bodyOf({ source, size }: TreeEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let left = size;
  if (size > 0) {
    for await (const chunk of createReadStream(source, { highWaterMark: READ_SIZE, end: size - 1, signal })) {
      left -= chunk.length;
      yield chunk;
    }
  }
  for (; left > 0; left -= Math.min(left, READ_SIZE)) yield new Uint8Array(Math.min(left, READ_SIZE));
  yield tarPadding(size);
}

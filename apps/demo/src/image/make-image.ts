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
import type { LayerPlan, TreeEntry } from './plan-layers.ts';

/** Options of {@link makeImage}. */
export interface MakeImageOptions {
  readonly signal: AbortSignal;
  /** Called with the number of uncompressed bytes after each chunk, for all layers. */
  readonly onBytes: (bytes: number) => void;
}

/** Number of layers to pack at the same time. gzip runs on other threads, so this uses two cores. */
const PARALLEL_LAYERS = 2;

/** Compresses with a third less work than the default level 6; the image is hardly larger. */
const GZIP_LEVEL = 4;

/** A packed layer. */
interface PackedLayer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar archive. */
  readonly diffId: string;
}

/**
 * Packs an image into a new OCI layout directory, which is complete or absent. It is a plain image, as any builder
 * creates it: only the media types come from this project.
 */
export async function makeImage(folder: string, plans: readonly LayerPlan[], options: MakeImageOptions): Promise<void> {
  // A temporary directory, which is renamed when it is complete.
  const temporary = `${folder}.${randomUUID()}.partial`;
  try {
    const blobs = join(temporary, 'blobs', 'sha256');
    await mkdir(blobs, { recursive: true });
    const layers: PackedLayer[] = [];
    const queue = [...plans.entries()];
    const packNext = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        layers[next[0]] = await packLayer(blobs, next[1], options);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_LAYERS }, packNext));
    const manifest = await writeManifest(blobs, plans, layers);
    const index = {
      schemaVersion: 2,
      manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }],
    };
    await writeFile(join(temporary, 'index.json'), JSON.stringify(index));
    await writeFile(join(temporary, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await mkdir(dirname(folder), { recursive: true });
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
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

/** Returns a transform that passes bytes through, and computes their number and digest. */
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
/** Size of the name field in a ustar header, in bytes. */
const NAME_SIZE = 100;
const TYPE_FLAGS = { file: '0', link: '2', folder: '5' } as const;
const encoder = new TextEncoder();

/**
 * Generates a tar archive of the entries: ustar headers, with PAX records for long names (POSIX.1-2017, pax, "Interchange
 * Format"). All entries belong to root.
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

/** Generates exactly `size` bytes, as in the header. Truncates a file that has grown, and pads one that has shrunk. */
async function* bodyOf({ source, size }: TreeEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let remaining = size;
  if (size > 0) {
    for await (const chunk of createReadStream(source, { highWaterMark: READ_SIZE, end: size - 1, signal })) {
      remaining -= chunk.length;
      yield chunk;
    }
  }
  for (; remaining > 0; remaining -= Math.min(remaining, READ_SIZE))
    yield new Uint8Array(Math.min(remaining, READ_SIZE));
  yield tarPadding(size);
}

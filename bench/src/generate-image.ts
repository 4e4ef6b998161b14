import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ContentDescriptor, contentOf } from '@soci/test-content';
import { CACHE, gzipOf, realArchives } from './data.ts';

/** Number of layers in the image. */
const LAYERS = 6;

/** Returns an OCI layout with an image of six layers: `medium` in `SOCI_BENCH_DATA`, or one generated from real archives. */
export async function imageLayout(): Promise<string> {
  const given = process.env.SOCI_BENCH_DATA;
  if (given !== undefined && existsSync(join(given, 'medium/index.json'))) return join(given, 'medium');
  const target = join(CACHE, 'image');
  if (existsSync(target)) return target;
  const layers: LayerFile[] = [];
  for (const archive of realArchives().slice(0, LAYERS)) {
    layers.push({ blob: await gzipOf(archive), diffId: `sha256:${await hashOf(archive)}` });
  }
  return writeLayout(target, layers);
}

/** Returns an OCI layout with an image of gzip layers. Their diff IDs are dummies, because no benchmark unpacks the layers. */
export async function layoutWithLayers(first: string, ...others: readonly string[]): Promise<string> {
  const target = others.length === 0 ? `${first}.image` : `${first}.${others.length + 1}.image`;
  const layers = [first, ...others].map((blob) => ({ blob, diffId: `sha256:${'0'.repeat(64)}` }));
  return existsSync(target) ? target : writeLayout(target, layers);
}

/** A layer of an image to create. */
export interface LayerFile {
  /** Path of the gzip file. */
  readonly blob: string;
  readonly diffId: string;
}

/** Writes an OCI layout with one image, tagged `latest`. `config` says how to start a container. */
export async function writeLayout(target: string, files: readonly LayerFile[], config: object = {}): Promise<string> {
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(join(part, 'blobs/sha256'), { recursive: true });
  const layers: ContentDescriptor[] = [];
  for (const { blob } of files) layers.push(await addBlob(part, blob, 'application/vnd.oci.image.layer.v1.tar+gzip'));
  const configuration = addJson(part, 'application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: files.map(({ diffId }) => diffId) },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = addJson(part, mediaType, { schemaVersion: 2, mediaType, config: configuration, layers });
  const tagged = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
  writeFileSync(join(part, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(part, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [tagged] }));
  renameSync(part, target);
  return target;
}

async function addBlob(layout: string, file: string, mediaType: string): Promise<ContentDescriptor> {
  const hash = await hashOf(file);
  linkSync(file, join(layout, 'blobs/sha256', hash));
  return { mediaType, digest: `sha256:${hash}`, size: statSync(file).size };
}

function addJson(layout: string, mediaType: string, value: object): ContentDescriptor {
  const { descriptor, bytes } = contentOf(mediaType, value);
  writeFileSync(join(layout, 'blobs', descriptor.digest.replace(':', '/')), bytes);
  return descriptor;
}

/** Returns the SHA-256 hash of a file. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Returns the total size of a layout's blobs, in bytes. */
export function layoutSize(layout: string): number {
  const blobs = join(layout, 'blobs/sha256');
  return readdirSync(blobs).reduce((sum, name) => sum + statSync(join(blobs, name)).size, 0);
}

/** Returns the number of layers of a layout's only image. */
export function countLayers(layout: string): number {
  const root = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const blob = readFileSync(join(layout, 'blobs', root.manifests[0]?.digest.replace(':', '/') ?? ''), 'utf8');
  return (JSON.parse(blob) as { layers: unknown[] }).layers.length;
}

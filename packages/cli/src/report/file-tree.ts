import type { LayerAnalysis, LayerContent } from '@soci/index';
import { escapeText } from '@soci/oci';
import { decodeZtocFiles } from '@soci/ztoc';
import { formatBytes, pluralize, shortDigest } from '../terminal/quantity.ts';
import { COMPRESSION_RATIO } from './assessment.ts';

/** A layer, directory or file, with the bytes in it. */
export interface FileNode {
  /** Escaped. */
  readonly name: string;
  /** Uncompressed bytes. */
  readonly size: number;
  /** Bytes that the start reads. */
  readonly read: number;
  /** Number of files. */
  readonly files: number;
  /** Whether the content is known. */
  readonly isKnown: boolean;
  /** The largest first. Absent if it is not divided. */
  readonly children?: readonly FileNode[];
}

/** Maximum number of layers that are divided into files. The rest is one node. */
const MAX_LAYERS = 24;

/** Smallest node, as a fraction of the whole. Smaller ones of a directory are one node. */
const MIN_SHARE = 0.002;

/** Maximum number of directories of a layer, and of parent directories of a file: what is deeper belongs to the last one. */
const MAX_DIRECTORIES = 20_000;
const MAX_DEPTH = 8;

/** Maximum length of a name, in characters. */
const MAX_NAME_LENGTH = 80;

/** Returns the files of the layers as a tree of at most a few thousand nodes, whatever the number of files and layers. */
export function buildFileTree(layers: readonly LayerAnalysis[]): FileNode {
  const sizeOf = ({ size, content }: LayerAnalysis) => content?.uncompressedSize ?? size * COMPRESSION_RATIO;
  const total = layers.reduce((sum, layer) => sum + sizeOf(layer), 0);
  const sorted = layers.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  const nodes = sorted.slice(0, MAX_LAYERS).map((layer): FileNode => {
    const name = `${shortDigest(layer.digest)} (${formatBytes(layer.size)})`;
    const { content } = layer;
    if (content === undefined) return { name, size: sizeOf(layer), read: 0, files: 0, isKnown: false };
    return new LayerTree(content, total * MIN_SHARE).toNode(name);
  });
  const rest = sorted.slice(MAX_LAYERS);
  if (rest.length > 0) nodes.push(mergeLayers(rest, sizeOf));
  return sumOf('image', nodes);
}

function mergeLayers(layers: readonly LayerAnalysis[], sizeOf: (layer: LayerAnalysis) => number): FileNode {
  return {
    name: pluralize(layers.length, 'smaller layer'),
    size: layers.reduce((sum, layer) => sum + sizeOf(layer), 0),
    read: layers.reduce((sum, { content }) => sum + bytesOf(content), 0),
    files: layers.reduce((sum, { content }) => sum + (content?.files ?? 0), 0),
    isKnown: layers.some(({ content }) => content !== undefined),
  };
}

function bytesOf(content: LayerContent | undefined): number {
  return content?.reads.reduce((sum, { start, end }) => sum + end - start, 0) ?? 0;
}

function sumOf(name: string, children: readonly FileNode[]): FileNode {
  const sum = (value: (node: FileNode) => number) => children.reduce((total, child) => total + value(child), 0);
  const sizes = { size: sum(({ size }) => size), read: sum(({ read }) => read), files: sum(({ files }) => files) };
  return { name, ...sizes, isKnown: true, children: children.toSorted((a, b) => b.size - a.size) };
}

interface Directory {
  readonly directories: Map<string, Directory>;
  /** Files that are shown. */
  readonly files: FileNode[];
  /** Files that are too small. */
  readonly small: { size: number; read: number; files: number };
}

const decoder = new TextDecoder();

/** Collects the files of a layer by directory. Reads them one by one. */
class LayerTree {
  readonly #minSize: number;
  readonly #root = newDirectory();
  #directories = 0;

  constructor({ ztoc, reads }: LayerContent, minSize: number) {
    this.#minSize = minSize;
    let next = 0;
    for (const { name, type, uncompressedOffset: start, uncompressedSize: size } of decodeZtocFiles(ztoc)) {
      if (type !== 'reg' || size === 0) continue;
      // Files and reads are in the order of the archive.
      while ((reads[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
      let read = 0;
      for (let i = next; (reads[i]?.start ?? Number.POSITIVE_INFINITY) < start + size; i++) {
        const range = reads[i] as { readonly start: number; readonly end: number };
        read += Math.min(range.end, start + size) - Math.max(range.start, start);
      }
      this.#add(decoder.decode(name), size, read);
    }
  }

  toNode(name: string): FileNode {
    return this.#toNode(name, this.#root);
  }

  #add(path: string, size: number, read: number): void {
    const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
    const base = segments.pop() ?? path;
    let directory = this.#root;
    for (const segment of segments.slice(0, MAX_DEPTH)) {
      const known = directory.directories.get(segment);
      if (known === undefined && this.#directories >= MAX_DIRECTORIES) break;
      if (known === undefined) this.#directories += 1;
      const child = known ?? newDirectory();
      directory.directories.set(segment, child);
      directory = child;
    }
    if (size >= this.#minSize) directory.files.push({ name: shorten(base), size, read, files: 1, isKnown: true });
    else {
      directory.small.size += size;
      directory.small.read += read;
      directory.small.files += 1;
    }
  }

  /** Returns a directory. If it is small, or has only one directory, it is not divided or merged with that one. */
  #toNode(name: string, { directories, files, small }: Directory): FileNode {
    const [first, ...others] = directories;
    if (first !== undefined && others.length === 0 && files.length === 0 && small.files === 0) {
      return this.#toNode(name === '' ? shorten(first[0]) : `${name}/${shorten(first[0])}`, first[1]);
    }
    const children = [...files];
    const rest = { ...small };
    for (const [segment, directory] of directories) {
      const node = this.#toNode(shorten(segment), directory);
      if (node.size >= this.#minSize) children.push(node);
      else {
        rest.size += node.size;
        rest.read += node.read;
        rest.files += node.files;
      }
    }
    if (rest.files > 0) children.push({ name: pluralize(rest.files, 'small file'), ...rest, isKnown: true });
    const sum = sumOf(name, children);
    if (children.length > 1 || files.length > 0) return sum;
    const { children: _, ...whole } = sum;
    return whole;
  }
}

function newDirectory(): Directory {
  return { directories: new Map(), files: [], small: { size: 0, read: 0, files: 0 } };
}

function shorten(name: string): string {
  const escaped = escapeText(name);
  return escaped.length <= MAX_NAME_LENGTH ? escaped : `${escaped.slice(0, MAX_NAME_LENGTH - 1)}…`;
}

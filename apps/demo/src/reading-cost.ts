import type { ImageLayer } from '@soci/index';
import type { FileEntry } from '@soci/ztoc';

/** What reading one file costs. */
export interface ReadingCost {
  /** The file's path in the image. */
  readonly name: string;
  readonly size: number;
  readonly layer: string;
  /** Spans that hold it. */
  readonly spans: number;
  /** Bytes of the image that must be fetched, when nothing of it is there yet. */
  readonly bytesToFetch: number;
}

/** Which files to show beside the largest, as places in the list of a layer's files by size: a typical one, larger ones. */
const ORDINARY = [0.5, 0.9, 0.99] as const;

/** Around each place so many of the files are alike: the one with the shortest path is shown. */
const NEIGHBOURHOOD = 0.01;

const decoder = new TextDecoder();

/** Picks a few files of the indexed layers, from an ordinary one to the largest, and says what reading each costs. */
export function measureReading(layers: readonly ImageLayer[]): ReadingCost[] {
  const bySize = (open: readonly ImageLayer[]) =>
    open
      .flatMap(({ layer, reader }) => [...reader.list()].filter(isReadable).map((entry) => ({ layer, reader, entry })))
      .sort((a, b) => a.entry.uncompressedSize - b.entry.uncompressedSize);
  const ordinary = ORDINARY.flatMap((place, turn) => {
    // Each from another layer, as far as they go.
    const files = bySize(layers.slice(turn % layers.length).slice(0, 1));
    const at = (share: number) => Math.round(share * (files.length - 1));
    const alike = files.slice(at(place - NEIGHBOURHOOD / 2), at(place + NEIGHBOURHOOD / 2) + 1);
    return alike.sort((a, b) => a.entry.name.length - b.entry.name.length).slice(0, 1);
  });
  const chosen = [...ordinary, ...bySize(layers).slice(-1)];
  return [...new Set(chosen)].map(({ layer, reader, entry }) => ({
    name: decoder.decode(entry.name),
    size: entry.uncompressedSize,
    layer: layer.digest,
    spans: reader.spansOf(entry).length,
    bytesToFetch: reader.bytesToFetch(entry),
  }));
}

function isReadable({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}

import type { FileEntry } from '@soci/ztoc';
import type { OpenLayer } from '../image/image-files.ts';

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

/** Which files to show, as places in the list of all by size: a typical one, larger ones, the largest. */
const PLACES = [0.5, 0.9, 0.99, 1] as const;

/** Picks a few files of the indexed layers, from an ordinary one to the largest, and says what reading each costs. */
export function measureReading(layers: readonly OpenLayer[]): ReadingCost[] {
  const files = layers
    .flatMap(({ layer, reader }) => [...reader.list()].filter(isReadable).map((entry) => ({ layer, reader, entry })))
    .sort((a, b) => a.entry.uncompressedSize - b.entry.uncompressedSize);
  const chosen = new Set(PLACES.flatMap((place) => files[Math.floor(place * (files.length - 1))] ?? []));
  return [...chosen].map(({ layer, reader, entry }) => ({
    name: new TextDecoder().decode(entry.name),
    size: entry.uncompressedSize,
    layer: layer.digest,
    spans: reader.spansOf(entry).length,
    bytesToFetch: reader.bytesToFetch(entry),
  }));
}

function isReadable({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}

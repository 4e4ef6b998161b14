import { type Descriptor, MEDIA_TYPE_OCI_LAYER } from '@soci/oci';
import { expect, it } from 'vitest';
import { Recording } from './recording.ts';
import { MAX_SPANS, type RecordingImage, spanSizeFor } from './recording-image.ts';

const SPAN = 4096;
const LAYER: Descriptor = { mediaType: MEDIA_TYPE_OCI_LAYER, digest: 'sha256:a', size: 100 * SPAN + 5 };
const IMAGE: RecordingImage = {
  root: LAYER,
  platforms: [{ platform: { os: 'linux', architecture: 'amd64' }, config: 'sha256:c', layers: [LAYER] }],
  spanSize: SPAN,
  size: LAYER.size,
  formats: { gzip: 1, zstd: 0, tar: 0 },
};

/** Records requests for spans, `pause` milliseconds after each other. Returns the spans that count as read. */
function record(requests: readonly (readonly [span: number, pause: number])[]) {
  let now = 0;
  const recording = new Recording(IMAGE, () => now);
  for (const [span, pause] of requests) {
    now += pause;
    const offset = span * SPAN;
    recording.add({ content: LAYER, range: { offset, length: Math.min(SPAN, LAYER.size - offset) } });
  }
  const layer = recording.layers.get(LAYER.digest);
  const read = Array.from({ length: 101 }, (_, span) => span).filter((span) => layer?.wasRead(span));
  return { recording, read };
}

const slowly = (from: number, count: number) => Array.from({ length: count }, (_, i) => [from + i, 500] as const);

it('ignores the background fetch: the next span of the layer, after a pause, many times in a row', () => {
  const demand = [
    [50, 10],
    [51, 0],
    [2, 0],
  ] as const;
  const { recording, read } = record([...demand, ...slowly(0, 2), ...slowly(3, 20)]);
  expect(read).toEqual([2, 50, 51]);
  expect(recording.totals).toMatchObject({ spans: 3, bytes: 3 * SPAN, background: 22 });
  expect(recording.lastRead).toBeLessThan(10 + 8 * 500 + 1);
});

it.each([
  ['a few slow reads', slowly(0, 7)],
  ['slow reads elsewhere', slowly(40, 30)],
  [
    'a file that is read in pieces of several pages',
    slowly(0, 40).map(([span]) => [span, span % 4 === 0 ? 500 : 1] as const),
  ],
])('does not take %s for a background fetch', (_, requests) => {
  const { recording, read } = record(requests);
  expect(read).toEqual(requests.map(([span]) => span));
  expect(recording.totals.background).toBe(0);
});

it('counts a span that is requested twice, and the short last span', () => {
  const { recording, read } = record([
    [100, 0],
    [7, 0],
    [7, 0],
  ]);
  expect(read).toEqual([7, 100]);
  expect(recording.totals).toMatchObject({ spans: 2, bytes: SPAN + 5, repeated: 1 });
});

it.each([
  ['the whole layer', undefined],
  ['several spans', { offset: 0, length: 2 * SPAN }],
  ['a part of a span', { offset: SPAN, length: 100 }],
  ['an offset that is in a span', { offset: 100, length: SPAN }],
])('counts a request for %s as another kind', (_, range) => {
  const recording = new Recording(IMAGE);
  recording.add({ content: LAYER, ...(range && { range }) });
  expect(recording.layers.get(LAYER.digest)).toMatchObject({ otherRequests: 1, hasReads: false });
  expect(recording.totals.spans).toBe(0);
});

it('ignores the request that asks for redirects', () => {
  const recording = new Recording(IMAGE);
  recording.add({ content: LAYER, range: { offset: 0, length: 2 } });
  expect(recording.layers.get(LAYER.digest)).toMatchObject({ otherRequests: 0, hasReads: false });
});

it.each([
  [0, 4096],
  [1.2e9, 4096],
  [MAX_SPANS * 4096, 4096],
  [MAX_SPANS * 4096 + 1, 8192],
  [64 * 2 ** 30, 131_072],
])('an image of %i bytes has spans of %i bytes', (size, spanSize) => {
  expect(spanSizeFor(size)).toBe(spanSize);
});

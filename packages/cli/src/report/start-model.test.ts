// The model against the benchmark of real starts. The fixture has what `report --json` prints about the images of
// `npm run bench -- runtime`, with the recorded profile of each workload and with a predicted one.
import { readFileSync } from 'node:fs';
import type { ImageAnalysis, LayerAnalysis } from '@soci/index';
import { describe, expect, it } from 'vitest';
import { assess, SPAN_SIZES } from './assessment.ts';
import { estimateLazyStart, estimatePull, type Network } from './start-model.ts';

type SpanRow = readonly [
  spanSize: number | 'auto',
  spans: number,
  ztocSize: number,
  spansRead: number,
  bytesRead: number,
  bytesInflated: number,
];

interface LayerRow {
  readonly layer: string;
  readonly layerSize: number;
  readonly uncompressedSize: number;
  readonly files: number;
  readonly spanSizes: readonly SpanRow[];
}

type Starts = Readonly<Record<string, Readonly<Record<'predicted' | 'recorded', readonly LayerRow[]>>>>;

interface Cell {
  readonly workload: string;
  readonly variant: string;
  readonly network: string;
  readonly seconds: { readonly median: number };
  readonly bytes: { readonly median: number };
}

const readJson = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;
const STARTS = readJson<Starts>('./fixtures/benchmark-starts.json');
const { cells } = readJson<{ cells: readonly Cell[] }>('../../../../docs/benchmarks-runtime.json');

/** Span sizes of the variants. `other` is an index for another start, which a report does not assess. */
const VARIANTS: Readonly<Record<string, number | 'auto'>> = {
  reference: 1 << 22,
  default: 1 << 22,
  recorded: 'auto',
  predicted: 'auto',
  '1MiB': 1 << 20,
  '8MiB': 1 << 23,
  '16MiB': 1 << 24,
};

function analysisOf(rows: readonly LayerRow[]): ImageAnalysis {
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'sha256:0', size: 0 };
  const layers = rows.map(({ layer, layerSize, uncompressedSize, files, spanSizes }): LayerAnalysis => {
    const spans = spanSizes.map(([spanSize, spans, ztocSize, spansRead, bytesRead, bytesInflated]) => {
      return { spanSize, spans, ztocSize, spansRead, bytesRead, bytesInflated };
    });
    const content = { uncompressedSize, files, ztoc: new Uint8Array(), reads: [], spans, warnings: [] };
    return { digest: layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: layerSize, content };
  });
  const platform = { os: 'linux', architecture: 'amd64' };
  return {
    platform,
    manifest,
    command: [],
    sociIndex: undefined,
    origin: undefined,
    files: 1,
    filesFound: 1,
    reachedLimits: [],
    layers,
  };
}

function networkOf(name: string): Network {
  const [megabits = 0, milliseconds = 0] = name.split('-').map(Number);
  return { bandwidth: megabits * 1e6, latency: milliseconds / 1000 };
}

function estimate({ workload, variant, network }: Cell): { readonly seconds: number; readonly bytes: number } {
  const rows = STARTS[workload]?.[variant === 'predicted' ? 'predicted' : 'recorded'] ?? [];
  const { pull, settings } = assess(analysisOf(rows), networkOf(network), 0);
  if (variant === 'pull') return pull;
  const setting = settings.find(({ spanSize }) => spanSize === VARIANTS[variant]);
  return { seconds: setting?.start.seconds ?? Number.NaN, bytes: setting?.bytes ?? Number.NaN };
}

describe('the model of starts, against the measured medians of the benchmark', () => {
  const measured = cells.filter(({ variant }) => variant === 'pull' || variant in VARIANTS);

  it('knows every variant except an index for another start', () => {
    const others = cells.filter((cell) => !measured.includes(cell)).map(({ variant }) => variant);
    expect(new Set(others)).toEqual(new Set(['other']));
    expect(measured.length).toBeGreaterThan(50);
  });

  it.each(measured)('is within 20 % for $workload, $variant, $network', (cell) => {
    const ratio = estimate(cell).seconds / cell.seconds.median;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  it('counts the downloaded bytes as measured, if the profile was recorded', () => {
    const differences = measured
      .filter(({ variant }) => variant !== 'predicted')
      .map((cell) => Math.abs(estimate(cell).bytes / cell.bytes.median - 1));
    expect(Math.max(...differences)).toBeLessThan(0.002);
  });
});

describe('the model', () => {
  const network = { bandwidth: 1e9, latency: 0.01 };
  const nothing = { pulled: [], ztocsSize: 0, layers: 0, files: 0, requests: 0, bytesRead: 0, bytesInflated: 0 };

  it('adds layers without a zTOC to a lazy start: they are pulled and unpacked before', () => {
    const lazy = estimateLazyStart({ ...nothing, pulled: [{ size: 125e6, uncompressedSize: 500e6 }] }, network);
    expect(lazy.seconds - estimateLazyStart(nothing, network).seconds).toBeCloseTo(1.03 + 5, 5);
  });

  it('downloads three layers at a time, and unpacks them in order', () => {
    const layer = { size: 125e6, uncompressedSize: 500e6 };
    const { phases } = estimatePull([layer, layer, layer, layer], { bandwidth: 1e9, latency: 0 });
    expect(phases).toMatchObject([
      { name: 'download', seconds: 4 },
      { name: 'unpack', seconds: 19 },
      { name: 'other', seconds: 2.81 },
      { name: 'run', seconds: 0.09 },
    ]);
  });

  it('is finite and positive for an image without layers', () => {
    expect(estimatePull([], network).seconds).toBeGreaterThan(0);
    expect(assess(analysisOf([]), network, 0)).toMatchObject({ settings: [], isWorthIt: false });
    expect(SPAN_SIZES).toContain(1 << 22);
  });
});

import { bareDescriptor, type CallOptions, type Descriptor, type RangeFetcher } from '@soci/oci';
import { checkSpan, decodeZtocSpans, type Span, ZtocError } from '@soci/ztoc';
import type { LayerReport } from '../convert/report.ts';
import type { Artifact } from '../convert/soci-manifest.ts';
import { SociIndexError } from '../errors.ts';
import { checkInteger } from '../options.ts';
import type { Problem } from './problem.ts';

/** Maximum compressed and uncompressed length of a checked span: 32 MiB. Spans are read into memory. */
const MAX_CHECKED_LENGTH = 1 << 25;

/**
 * Reads a sample of `spans` spans of each indexed layer, as a runtime would. Each span must match its digest in the zTOC,
 * and must decompress from its checkpoint to data that ends with the window of the next checkpoint. This reads a few
 * megabytes, and proves less than `verifySociIndex`, which reads every layer.
 *
 * A span with a wrong digest is read again once.
 *
 * @throws SociIndexError `OPTION_INVALID`; errors of the store; the abort reason of `options.signal`.
 */
export async function spotCheckZtocs(
  store: RangeFetcher,
  output: { readonly artifacts: readonly Artifact[]; readonly layers: readonly LayerReport[] },
  { spans: count = 4, seed = 0, ...call }: CallOptions & { readonly spans?: number; readonly seed?: number } = {},
) {
  checkInteger('spans', count, 0);
  const contents = new Map(output.artifacts.map(({ descriptor, content }) => [descriptor.digest, content]));
  const problems: Problem[] = [];
  let spansRead = 0;
  let bytesRead = 0;
  for (const layer of output.layers) {
    const content = layer.outcome === 'indexed' ? contents.get(layer.ztoc.digest) : undefined;
    if (layer.outcome !== 'indexed' || content === undefined) continue;
    const sample = sampleSpans(layer, { descriptor: layer.ztoc, content }, count, seed);
    const checked = await checkSample(store, sample, call);
    problems.push(...checked.problems);
    spansRead += checked.spansRead;
    bytesRead += checked.bytesRead;
  }
  return { spansRead, bytesRead, problems };
}

/** Spans of a layer, each with the one after it, if any. */
export interface SpanSample {
  readonly layer: Descriptor;
  readonly spans: readonly { readonly span: Span; readonly next: Span | undefined }[];
}

/** Selects spans of a zTOC. They are views of it. @throws SociIndexError `SOCI_INDEX_INVALID` */
export function sampleSpans(
  layer: Descriptor,
  { descriptor, content }: Pick<Artifact, 'descriptor' | 'content'>,
  count: number,
  seed: number,
): SpanSample {
  const all = count === 0 ? [] : readSpans(content, layer, descriptor);
  const spans = sampleBySeed(all.filter(isShort), count, seed).map((span) => ({ span, next: all[span.id + 1] }));
  return { layer, spans };
}

/** Copies a sample, so that it does not keep its zTOC in memory. */
export function copySample({ layer, spans }: SpanSample): SpanSample {
  const copy = (span: Span): Span => {
    const { checkpoint } = span;
    return checkpoint ? { ...span, checkpoint: { ...checkpoint, window: checkpoint.window.slice() } } : span;
  };
  return { layer, spans: spans.map(({ span, next }) => ({ span: copy(span), next: next && copy(next) })) };
}

/** Reads the spans of a sample, like {@link spotCheckZtocs}. */
export async function checkSample(store: RangeFetcher, { layer, spans }: SpanSample, call: CallOptions) {
  const problems: Problem[] = [];
  let bytesRead = 0;
  for (const { span, next } of spans) {
    const range = { offset: span.compressedStart, length: span.compressedEnd - span.compressedStart };
    const read = async () => {
      const bytes = await store.fetchRange(bareDescriptor(layer), range, call);
      bytesRead += bytes.length;
      return checkSpan(span, bytes, next);
    };
    const first = await read();
    // A cache or proxy on the way may have damaged the span.
    const check = first.outcome === 'digest-mismatch' ? await read() : first;
    if (check.outcome === 'digest-mismatch') {
      problems.push({ code: 'span-digest-mismatch', span: span.id, message: `${check.reason} (in both reads)` });
    } else if (check.outcome !== 'valid') {
      problems.push({ code: 'content-mismatch', span: span.id, message: check.reason });
    }
  }
  return { spansRead: spans.length, bytesRead, problems };
}

/** @throws SociIndexError `SOCI_INDEX_INVALID` if a zTOC from another source is malformed. */
function readSpans(content: Uint8Array, { digest }: Descriptor, { digest: of }: Descriptor): readonly Span[] {
  try {
    return decodeZtocSpans(content);
  } catch (cause) {
    if (!(cause instanceof ZtocError)) throw cause;
    throw new SociIndexError('SOCI_INDEX_INVALID', `zTOC ${of} of ${digest}: ${cause.message}`, { cause, digest });
  }
}

function isShort({ compressedStart, compressedEnd, uncompressedStart, uncompressedEnd }: Span): boolean {
  return (
    compressedEnd - compressedStart <= MAX_CHECKED_LENGTH && uncompressedEnd - uncompressedStart <= MAX_CHECKED_LENGTH
  );
}

/** Selects `count` items by `seed`, in their order. The same seed selects the same items. */
export function sampleBySeed<T>(items: readonly T[], count: number, seed: number): readonly T[] {
  if (count >= items.length) return items;
  const next = makeRandom(seed);
  const chosen = new Set<number>();
  // Floyd's algorithm: all subsets are equally likely, with `count` random numbers.
  for (let last = items.length - count; last < items.length; last += 1) {
    const drawn = Math.floor(next() * (last + 1));
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return items.filter((_, position) => chosen.has(position));
}

/** Returns a generator of numbers in [0, 1) that depend only on the seed (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

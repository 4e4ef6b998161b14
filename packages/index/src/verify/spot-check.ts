import { bareDescriptor, type CallOptions, type Descriptor, type RangeFetcher } from '@soci/oci';
import { checkSpan, decodeZtocSpans, type Span, ZtocError } from '@soci/ztoc';
import type { LayerReport } from '../convert/report.ts';
import type { Artifact } from '../convert/soci-manifest.ts';
import { SociIndexError } from '../errors.ts';
import { checkInteger } from '../options.ts';
import type { Problem } from './problem.ts';
import { sampleBySeed } from './seeded-sample.ts';

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
    const checked = await spotCheckZtoc(
      store,
      layer,
      { descriptor: layer.ztoc, content },
      { spans: count, seed, ...call },
    );
    problems.push(...checked.problems);
    spansRead += checked.spansRead;
    bytesRead += checked.bytesRead;
  }
  return { spansRead, bytesRead, problems };
}

/** Reads a sample of `spans` spans of one layer, like {@link spotCheckZtocs}. */
export async function spotCheckZtoc(
  store: RangeFetcher,
  layer: Descriptor,
  { descriptor, content }: Pick<Artifact, 'descriptor' | 'content'>,
  { spans: count, seed, ...call }: CallOptions & { readonly spans: number; readonly seed: number },
) {
  const problems: Problem[] = [];
  let spansRead = 0;
  let bytesRead = 0;
  const spans = count === 0 ? [] : readSpans(content, layer, descriptor);
  for (const span of sampleBySeed(spans.filter(isShort), count, seed)) {
    const range = { offset: span.compressedStart, length: span.compressedEnd - span.compressedStart };
    const read = async () => {
      const bytes = await store.fetchRange(bareDescriptor(layer), range, call);
      bytesRead += bytes.length;
      return checkSpan(span, bytes, spans[span.id + 1]);
    };
    const first = await read();
    // A cache or proxy on the way may have damaged the span.
    const check = first.outcome === 'digest-mismatch' ? await read() : first;
    if (check.outcome === 'digest-mismatch') {
      problems.push({ code: 'span-digest-mismatch', span: span.id, message: `${check.reason} (in both reads)` });
    } else if (check.outcome !== 'valid') {
      problems.push({ code: 'content-mismatch', span: span.id, message: check.reason });
    }
    spansRead += 1;
  }
  return { spansRead, bytesRead, problems };
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

import { createGunzip, type Gunzip } from 'node:zlib';
import { createDigester, type Descriptor, type Fetcher, OciError } from '@soci/oci';
import {
  type Compression,
  type FileEntry,
  listSpans,
  type Span,
  scanTar,
  type TarContents,
  type Ztoc,
  ZtocError,
  type ZtocLimits,
} from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { boundLayer, layerError } from '../layers/build-layer.ts';
import { compareContents, nameOf } from './compare-contents.ts';
import { MAX_PROBLEMS, type Problem } from './problem.ts';
import { sampleBySeed } from './seeded-sample.ts';
import { SpanComparer } from './span-comparer.ts';

/** How one layer is read back. */
export interface LayerVerifyOptions {
  /** Files to read back; all where it is undefined. */
  readonly sample: number | undefined;
  readonly seed: number;
  readonly maxSpanLength: number;
  readonly layerLimits: ZtocLimits;
  readonly signal: AbortSignal | undefined;
  /** Called with the bytes of the layer read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** What reading one layer back has shown. */
export interface LayerReadBack {
  /** Files in the zTOC's table of contents, directories and links among them. */
  readonly files: number;
  /** Files with content that were read back through the spans. */
  readonly filesRead: number;
  /** Spans that the zTOC cuts the layer into. */
  readonly spans: number;
  /** Spans that were inflated and compared; the digest of every span is checked. */
  readonly spansRead: number;
  readonly problems: readonly Problem[];
}

/**
 * Reads a layer once and proves a zTOC against it: the layer's own digest, the digest of each span, the table of
 * contents against the archive's, and the content of files, through the spans, against a straight decode.
 *
 * @throws What the store throws; the signal's reason.
 */
export async function verifyLayer(
  store: Fetcher,
  layer: Descriptor,
  ztoc: Ztoc,
  options: LayerVerifyOptions,
): Promise<LayerReadBack> {
  const problems: Problem[] = [];
  const report = (problem: Problem): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const files = ztoc.files.length;
  if (ztoc.compressedArchiveSize !== layer.size) {
    const message = `the zTOC is of a layer of ${ztoc.compressedArchiveSize} bytes, and ${layer.digest} has ${layer.size}`;
    return { files, filesRead: 0, spans: 0, spansRead: 0, problems: [{ code: 'ztoc-of-another-layer', message }] };
  }
  const spans = listSpansOf(ztoc, report);
  const { sample = Number.POSITIVE_INFINITY, seed } = options;
  const chosen = sampleBySeed(ztoc.files.filter(holdsContent), sample, seed);
  const comparer = new SpanComparer(spans, collectSpans(chosen, spans), options.maxSpanLength, (fault) => {
    const file = ztoc.files.find((entry) => holdsContent(entry) && endOf(entry) > fault.offset);
    report({ code: fault.code, span: fault.span, message: fault.message, ...(file && { file: nameOf(file) }) });
  });
  try {
    compareContents(ztoc, await readLayer(store, layer, ztoc, comparer, options), report);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof ZtocError && error.code === 'LIMIT_EXCEEDED') throw layerError(layer, error);
    if (!isAboutLayer(error)) throw error;
    report({ code: 'layer-damaged', message: `layer ${layer.digest} cannot be read: ${error.message}` });
  }
  if (spans.length > 0 && comparer.matching === 0) {
    problems.unshift({
      code: 'ztoc-of-another-layer',
      message: `none of the ${spans.length} spans of the zTOC has its digest in layer ${layer.digest}`,
    });
  }
  return {
    files,
    filesRead: problems.length > 0 && comparer.read === 0 ? 0 : chosen.length,
    spans: spans.length,
    spansRead: comparer.read,
    problems,
  };
}

/** Reads a layer once; gives what its archive holds. */
async function readLayer(
  store: Fetcher,
  layer: Descriptor,
  { compression }: Ztoc,
  comparer: SpanComparer,
  { layerLimits, signal, onBytes }: LayerVerifyOptions,
): Promise<TarContents> {
  const digester = createDigester();
  let length = 0;
  async function* readCompressed(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = store.fetch(layer, { reuseChunks: true, ...(signal && { signal }) });
    for await (const chunk of boundLayer(chunks, layer)) {
      signal?.throwIfAborted();
      digester.update(chunk);
      length += chunk.length;
      comparer.pushCompressed(chunk);
      onBytes(length);
      yield chunk;
    }
  }
  async function* readStraight(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of decodeStraight(readCompressed(), compression)) {
      comparer.pushStraight(piece);
      yield piece;
    }
    const digest = digester.digest();
    if (length !== layer.size || digest !== layer.digest) {
      const message = `its ${length} bytes have the digest ${digest}`;
      throw new SociIndexError('LAYER_MISMATCH', message, { digest: layer.digest });
    }
  }
  return scanTar(readStraight(), layerLimits);
}

function listSpansOf(ztoc: Ztoc, report: (problem: Problem) => void): readonly Span[] {
  try {
    return listSpans(ztoc);
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    report({ code: 'ztoc-invalid', message: `the zTOC's spans make no sense: ${error.message}` });
    return [];
  }
}

/** Whether an error says something about the layer's bytes, and not about the way to them. */
function isAboutLayer(error: unknown): error is Error {
  if (error instanceof ZtocError) return true;
  if (error instanceof SociIndexError) return error.code === 'LAYER_MISMATCH';
  if (error instanceof OciError) return ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH'].includes(error.code);
  // What node:zlib fails with.
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

function holdsContent({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}

function endOf({ uncompressedOffset, uncompressedSize }: FileEntry): number {
  return uncompressedOffset + uncompressedSize;
}

/** The spans that hold a byte of any of the files. Both lists are in the order of the archive. */
function collectSpans(files: readonly FileEntry[], spans: readonly Span[]): ReadonlySet<number> {
  const chosen = new Set<number>();
  const ranges = files.toSorted((a, b) => a.uncompressedOffset - b.uncompressedOffset);
  let reach = 0;
  let next = 0;
  for (const { id, uncompressedStart, uncompressedEnd } of spans) {
    for (
      let file = ranges[next];
      file !== undefined && file.uncompressedOffset < uncompressedEnd;
      file = ranges[next]
    ) {
      reach = Math.max(reach, endOf(file));
      next += 1;
    }
    if (reach > uncompressedStart && uncompressedEnd > uncompressedStart) chosen.add(id);
  }
  return chosen;
}

/** Bytes of output a piece: large pieces cost fewer turns of the event loop. */
const PIECE_SIZE = 1 << 18;

/** Decompresses with node:zlib, not with our decoder. A chunk is done with when the next one is asked for. */
async function* decodeStraight(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'uncompressed') {
    yield* chunks;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_SIZE });
  const feeding = feed(chunks, gunzip);
  for await (const piece of gunzip) yield piece as Uint8Array;
  await feeding;
}

/** Its failures, and those of the chunks, come out of the stream. */
async function feed(chunks: AsyncIterable<Uint8Array>, gunzip: Gunzip): Promise<void> {
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        gunzip.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

import { createGunzip, type Gunzip } from 'node:zlib';
import { createDigester, type Descriptor, type Fetcher, OciError } from '@soci/oci';
import {
  type Compression,
  type FileEntry,
  listSpans,
  type Span,
  scanTar,
  type Ztoc,
  ZtocError,
  type ZtocLimits,
} from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { limitLayerSize, toLayerError } from '../layers/build-layer.ts';
import { readAgainIfDamaged } from '../layers/damaged-layer.ts';
import { ContentsComparer, nameOf } from './compare-contents.ts';
import { MAX_PROBLEMS, type Problem } from './problem.ts';
import { SpanComparer } from './span-comparer.ts';
import { sampleBySeed } from './spot-check.ts';

/** Options of {@link verifyLayer}. */
export interface LayerVerifyOptions {
  /** Number of files to verify. All if undefined. */
  readonly sample: number | undefined;
  /** Seed of the random choice of files. */
  readonly seed: number;
  /** Maximum uncompressed size of a span, in bytes. */
  readonly maxSpanLength: number;
  readonly layerLimits: ZtocLimits;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of layer bytes read so far. */
  readonly onBytes: (bytes: number) => void;
}

/** Result of verifying one layer. */
export interface LayerReadBack {
  /** Number of files in the table of contents, including directories and links. */
  readonly files: number;
  /** Number of files with content that were read through the spans. */
  readonly filesRead: number;
  /** Number of spans of the layer. */
  readonly spans: number;
  /** Number of spans that were decompressed and compared. The digest of every span is checked. */
  readonly spansRead: number;
  readonly problems: readonly Problem[];
}

/**
 * Reads a layer once and verifies a zTOC against it: the digest of the layer, the digest of each span, the table of
 * contents, and the content of files read through the spans. Reads a damaged layer again, once.
 *
 * @throws Errors of the store; the abort reason of the signal.
 */
export async function verifyLayer(
  store: Fetcher,
  layer: Descriptor,
  ztoc: Ztoc,
  options: LayerVerifyOptions,
): Promise<LayerReadBack> {
  let problems: Problem[] = [];
  const report = (problem: Problem): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const files = ztoc.files.length;
  if (ztoc.compressedArchiveSize !== layer.size) {
    const message = `the zTOC belongs to a layer of ${ztoc.compressedArchiveSize} bytes, but layer ${layer.digest} has ${layer.size} bytes`;
    return { files, filesRead: 0, spans: 0, spansRead: 0, problems: [{ code: 'ztoc-of-another-layer', message }] };
  }
  const spans = listSpansOf(ztoc, report);
  const { sample = Number.POSITIVE_INFINITY, seed } = options;
  const chosen = sampleBySeed(ztoc.files.filter(hasContent), sample, seed);
  const selected = collectSpans(chosen, spans);
  const startComparer = () =>
    new SpanComparer(spans, selected, options.maxSpanLength, (fault) => {
      const file = ztoc.files.find((entry) => hasContent(entry) && endOf(entry) > fault.offset);
      report({ code: fault.code, span: fault.span, message: fault.message, ...(file && { file: nameOf(file) }) });
    });
  const known = problems;
  let comparer = startComparer();
  try {
    const difference = await readAgainIfDamaged(() => {
      // Forget what a damaged read has shown.
      problems = [...known];
      comparer = startComparer();
      return readLayer(store, layer, ztoc, comparer, options);
    });
    if (difference !== undefined) report(difference);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isLayerContentError(error)) throw error;
    report({ code: 'layer-damaged', message: `cannot read layer ${layer.digest}: ${error.message}` });
  }
  if (spans.length > 0 && comparer.matching === 0) {
    problems.unshift({
      code: 'ztoc-of-another-layer',
      message: `none of the ${spans.length} span digests in the zTOC matches layer ${layer.digest}`,
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

/**
 * Reads a layer once. Returns the first difference between its archive and the zTOC.
 *
 * @throws SociIndexError `LAYER_INVALID`, `LAYER_MISMATCH`, `LIMIT_EXCEEDED`; errors of the store.
 */
async function readLayer(
  store: Fetcher,
  layer: Descriptor,
  ztoc: Ztoc,
  comparer: SpanComparer,
  { layerLimits, signal, onBytes }: LayerVerifyOptions,
): Promise<Problem | undefined> {
  const contents = new ContentsComparer(ztoc);
  const digester = createDigester();
  let length = 0;
  async function* readCompressed(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = store.fetch(layer, { reuseChunks: true, ...(signal && { signal }) });
    for await (const chunk of limitLayerSize(chunks, layer)) {
      signal?.throwIfAborted();
      digester.update(chunk);
      length += chunk.length;
      comparer.pushCompressed(chunk);
      onBytes(length);
      yield chunk;
    }
  }
  async function* readUncompressed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of decompress(readCompressed(), ztoc.compression)) {
      comparer.pushUncompressed(chunk);
      yield chunk;
    }
    const digest = digester.digest();
    if (length !== layer.size || digest !== layer.digest) {
      const message = `read ${length} bytes with digest ${digest}`;
      throw new SociIndexError('LAYER_MISMATCH', message, { digest: layer.digest });
    }
  }
  try {
    const scanned = await scanTar(readUncompressed(), layerLimits, (file) => contents.add(file));
    return contents.finish(scanned.uncompressedArchiveSize);
  } catch (error) {
    if (error instanceof ZtocError && error.code === 'LIMIT_EXCEEDED') throw toLayerError(layer, error);
    if (error instanceof ZtocError || isZlibError(error)) {
      throw new SociIndexError('LAYER_INVALID', error.message, { cause: error, digest: layer.digest });
    }
    throw error;
  }
}

function listSpansOf(ztoc: Ztoc, report: (problem: Problem) => void): readonly Span[] {
  try {
    return listSpans(ztoc);
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    report({ code: 'ztoc-invalid', message: `invalid spans in the zTOC: ${error.message}` });
    return [];
  }
}

/** Returns whether an error is caused by the content of the layer, not by the store. */
function isLayerContentError(error: unknown): error is Error {
  if (error instanceof SociIndexError) return error.code === 'LAYER_INVALID' || error.code === 'LAYER_MISMATCH';
  return error instanceof OciError && ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH'].includes(error.code);
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

function hasContent({ type, uncompressedSize }: FileEntry): boolean {
  return type === 'reg' && uncompressedSize > 0;
}

function endOf({ uncompressedOffset, uncompressedSize }: FileEntry): number {
  return uncompressedOffset + uncompressedSize;
}

/** Returns the numbers of the spans that contain a byte of any of the files. */
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

/** Size of a decompressed chunk, in bytes. Large chunks need fewer iterations of the event loop. */
const CHUNK_SIZE = 1 << 18;

/** Decompresses with node:zlib, independently of the decoder of `@soci/ztoc`. Chunks may be reused by their producer. */
async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'uncompressed') {
    yield* chunks;
    return;
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_SIZE });
  const feeding = feed(chunks, gunzip);
  for await (const chunk of gunzip) yield chunk as Uint8Array;
  await feeding;
}

/** Writes chunks to a stream. Destroys the stream with the error if reading or writing fails. */
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

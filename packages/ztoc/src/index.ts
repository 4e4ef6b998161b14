export { type BuildZtocOptions, buildZtoc } from './build/build-ztoc.ts';
export type { BuiltZtoc, ZtocProgress } from './build/ztoc-builder.ts';
export { type DecodeZtocLimits, decodeZtoc, decodeZtocSpans } from './envelope/decode.ts';
export { encodeZtoc } from './envelope/encode.ts';
export { ZtocError, type ZtocErrorCode, type ZtocErrorOptions } from './errors.ts';
export type { GzipCheckpoint } from './gzip/checkpoint.ts';
export { inflateSpan, inflateSpanEnd } from './gzip/inflate-span.ts';
export {
  DEFAULT_MAX_EMPTY_SPANS,
  DEFAULT_MAX_ENTRIES,
  DEFAULT_MAX_METADATA_SIZE,
  DEFAULT_MAX_SPANS,
  DEFAULT_MAX_UNCOMPRESSED_SIZE,
  type ZtocLimits,
} from './limits.ts';
export type { ArchivePath } from './read/archive-path.ts';
export type { DirectoryItem } from './read/archive-tree.ts';
export { extractFile } from './read/extract-file.ts';
export { type HttpSourceOptions, httpSource } from './read/http-source.ts';
export { bytesSource, type RandomAccessSource, type ReadOptions } from './read/random-access-source.ts';
export {
  DEFAULT_CACHE_SIZE,
  DEFAULT_MAX_FETCH_SIZE,
  DEFAULT_MAX_FILE_SIZE,
  DEFAULT_MAX_SPAN_SIZE,
  type FileSelector,
  type LookupOptions,
  type OpenZtocOptions,
  openZtoc,
  type ReadFileOptions,
  type ZtocReader,
} from './read/ztoc-reader.ts';
export { listSpans, type Span, spanSizeOf, spansOfRange } from './spans.ts';
export { type TarContents, TarScanner } from './tar/tar-scanner.ts';
export {
  type Compression,
  DEFAULT_BUILD_TOOL_IDENTIFIER,
  DEFAULT_SPAN_SIZE,
  type FileEntry,
  type FileType,
  type PaxRecord,
  type TarInteger,
  ZTOC_VERSION,
  type Ztoc,
} from './ztoc.ts';

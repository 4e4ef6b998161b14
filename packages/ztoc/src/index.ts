export { type BuildZtocOptions, buildZtoc } from './build/build-ztoc.ts';
export type { BuiltZtoc, ZtocProgress } from './build/ztoc-builder.ts';
export { type DecodeZtocLimits, decodeZtoc, decodeZtocSpans } from './envelope/decode.ts';
export { encodeZtoc } from './envelope/encode.ts';
export { ZtocError, type ZtocErrorCode, type ZtocErrorOptions } from './errors.ts';
export type { GzipCheckpoint } from './gzip/checkpoint.ts';
export type { ZtocLimits } from './limits.ts';
export type { ArchivePath } from './read/archive-path.ts';
export type { DirectoryItem } from './read/archive-tree.ts';
export { extractFile } from './read/extract-file.ts';
export { type HttpSourceOptions, httpSource } from './read/http-source.ts';
export { bytesSource, type RandomAccessSource, type ReadOptions } from './read/random-access-source.ts';
export {
  type FileSelector,
  type LookupOptions,
  type OpenZtocOptions,
  openZtoc,
  type ReadFileOptions,
  type ZtocReader,
} from './read/ztoc-reader.ts';
export { checkSpan, inflateSpan, type SpanCheck } from './spans/inflate-span.ts';
export { listSpans, type Span, spanSizeOf } from './spans/spans.ts';
export { scanTar, type TarContents } from './tar/tar-scanner.ts';
export {
  type Compression,
  DEFAULT_BUILD_TOOL_IDENTIFIER,
  DEFAULT_SPAN_SIZE,
  type FileEntry,
  type FileType,
  type PaxRecord,
  type TarInteger,
  type Ztoc,
} from './ztoc.ts';

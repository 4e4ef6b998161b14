export type { BuiltZtoc, SecondThread, ZtocProgress } from './build/build-ztoc.ts';
export { type BuildZtocOptions, buildZtoc } from './build/build-ztoc.ts';
export type { LayerHash } from './build/layer-digests.ts';
export { AUTO_SPAN_SIZE } from './build/layer-reader.ts';
export {
  type DecodeZtocLimits,
  decodeZtoc,
  decodeZtocFiles,
  decodeZtocSpans,
  filesMemory,
} from './encoding/decode-ztoc.ts';
export { decodeReferenceZtoc } from './encoding/encode-again.ts';
export { encodeZtoc } from './encoding/encode-ztoc.ts';
export type { PlainEntryListener } from './entries/entry-store.ts';
export { ZtocError, type ZtocErrorCode, type ZtocErrorOptions } from './errors.ts';
export type { SpanCandidates } from './gzip/candidate-list.ts';
export type { GzipCheckpoint, SpanStart } from './gzip/checkpoints.ts';
export type { DeflateStream } from './inflate/deflate-stream.ts';
export type { InflateStatus } from './inflate/inflater.ts';
export type { ZtocLimits } from './limits.ts';
export type { ArchivePath, DirectoryItem } from './read/archive-tree.ts';
export { type HttpSourceOptions, httpSource } from './read/http-source.ts';
export {
  bytesSource,
  type RandomAccessSource,
  type ReadOptions,
  type SourceReadOptions,
} from './read/random-access-source.ts';
export type { OpenZtocOptions } from './read/span-store.ts';
export {
  extractFile,
  type FileSelector,
  type LookupOptions,
  openEncodedZtoc,
  openZtoc,
  type ReadFileOptions,
  type ZtocReader,
} from './read/ztoc-reader.ts';
export type { ReadRange } from './refine/choose-spans.ts';
export { keepCandidates } from './refine/keep-candidates.ts';
export { measureSpans, type SpanUse } from './refine/measure-spans.ts';
export { type RefinedZtoc, type RefineOptions, refineZtoc } from './refine/refine-ztoc.ts';
export { SymlinkTracker } from './runtime/implied-directories.ts';
export type { RuntimeEffect, RuntimeProblem, RuntimeProblemCode } from './runtime/runtime-problem.ts';
export { checkRuntime, findRuntimeProblems, type RuntimeFindings } from './runtime/runtime-problems.ts';
export { checkSpan, inflateSpan, type SpanCheck } from './spans/inflate-span.ts';
export { listSpans, type Span, spanSizeOf } from './spans/list-spans.ts';
export { scanTar } from './tar/scan-tar.ts';
export type { TarContents } from './tar/tar-scanner.ts';
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

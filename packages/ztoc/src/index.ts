export { type BuildZtocOptions, buildZtoc } from './build/build-ztoc.ts';
export type { BuiltZtoc, ZtocProgress } from './build/ztoc-builder.ts';
export { decodeZtoc } from './envelope/decode.ts';
export { encodeZtoc } from './envelope/encode.ts';
export { ZtocError, type ZtocErrorCode, type ZtocErrorOptions } from './errors.ts';
export {
  DEFAULT_MAX_ENTRIES,
  DEFAULT_MAX_METADATA_SIZE,
  DEFAULT_MAX_SPANS,
  DEFAULT_MAX_UNCOMPRESSED_SIZE,
  type ZtocLimits,
} from './limits.ts';
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

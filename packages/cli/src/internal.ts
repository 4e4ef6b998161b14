export { text, valueOption } from './arguments/option.ts';
export { REGISTRY_OPTIONS, toRegistryAccess } from './arguments/registry-options.ts';
export { parseSize } from './arguments/size.ts';
export { type Command, type CommandContext, defineCommand, EXIT, type ExitCode } from './command.ts';
export { describeImage, type ImageDescription, indexedSize } from './image/describe-image.ts';
export { showTransferProgress } from './image/index-progress.ts';
export { countRead, type Verification, verifyIndexes } from './image/verify-indexes.ts';
export { type CliIo, withProcessIo } from './io.ts';
export { runCommand, tellFailure } from './run-command.ts';
export { Output } from './terminal/output.ts';
export {
  countOf,
  drawBar,
  formatBytes,
  formatCount,
  formatSeconds,
  formatShare,
  shortDigest,
} from './terminal/quantity.ts';
export type { Column } from './terminal/table.ts';
export { printable, shorten, textWidth, wrapWords } from './terminal/text.ts';
export { withImageStores } from './transports/image-stores.ts';
export {
  IMAGE_FORMS,
  type ImageLocation,
  type LayoutLocation,
  parseLocation,
  parseRegistryLocation,
} from './transports/location.ts';
export type { ImageDestination, ImageSource, RegistryAccess } from './transports/transport.ts';

export { type Command, type CommandContext, defineCommand, EXIT, type ExitCode } from './command/command.ts';
export { parseText, valueOption } from './command/option.ts';
export { reportFailure, runCommand } from './command/run-command.ts';
export { parseSize } from './command/size.ts';
export { describeImage, type ImageDescription, indexedSize } from './image/describe-image.ts';
export { showTransferProgress } from './image/index-progress.ts';
export { countRead, type Verification, verifyIndexes } from './image/verify-indexes.ts';
export { type CliIo, withProcessIo } from './io.ts';
export { main } from './main.ts';
export { Output } from './terminal/output.ts';
export type { Progress } from './terminal/progress.ts';
export {
  drawBar,
  formatBytes,
  formatCount,
  formatPercent,
  formatSeconds,
  pluralize,
  shortDigest,
} from './terminal/quantity.ts';
export { type Column, numberColumns } from './terminal/table.ts';
export { printable, shorten, textWidth, wrapWords } from './terminal/text.ts';
export { withImageStores } from './transports/image-stores.ts';
export type { ImageDestination } from './transports/layout-stores.ts';
export {
  type DestinationLocation,
  IMAGE_FORMS,
  type ImageLocation,
  type LayoutLocation,
  parseLocation,
  parseRegistryLocation,
  type RegistryLocation,
} from './transports/location.ts';
export { REGISTRY_OPTIONS, type RegistryAccess, toRegistryAccess } from './transports/registry-options.ts';

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
export { printable, shorten, textWidth, wrapWords } from './terminal/text-width.ts';

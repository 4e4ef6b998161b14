export { decompressZstd } from './archive/decompress-zstd.ts';

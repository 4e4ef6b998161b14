export { type FileSource, fileSource } from './read/file-source.ts';
export { type ClosableLayerThread, startLayerThread } from './threads/layer-thread.ts';

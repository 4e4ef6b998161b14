export { type FileSource, fileSource } from './read/file-source.ts';
export { type ClosableSecondThread, startSecondThread } from './threads/second-thread.ts';

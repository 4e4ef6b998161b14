export { type FileSource, fileSource } from './read/file-source.ts';
export { type ClosableDigestThread, startDigestThread } from './threads/digest-thread.ts';

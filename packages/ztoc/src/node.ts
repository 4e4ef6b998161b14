export { type FileSource, fileSource } from './read/file-source.ts';

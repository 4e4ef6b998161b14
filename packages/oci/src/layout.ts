export { type ArchiveStore, openArchive } from './archive/archive-store.ts';
export { type ArchiveRoot, archiveChunks, writeArchive } from './archive/archive-writer.ts';
export { createFile, type FileContent, type FileDraft } from './layout/file-draft.ts';
export { createLayout, type LayoutDraft } from './layout/layout-draft.ts';
export type { LayoutReader } from './layout/layout-reader.ts';
export { type LayoutStore, openLayout } from './layout/layout-store.ts';
export { ANNOTATION_REF_NAME } from './layout/root-index.ts';

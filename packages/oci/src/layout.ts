export { ArchiveStore, openArchive } from './archive/archive-store.ts';
export { type ArchiveRoot, archiveChunks, writeArchive } from './archive/archive-writer.ts';
export { createLayout, LayoutDraft } from './layout/layout-draft.ts';
export { LayoutReader } from './layout/layout-reader.ts';
export { LayoutStore, openLayout } from './layout/layout-store.ts';
export { ANNOTATION_REF_NAME } from './layout/root-index.ts';

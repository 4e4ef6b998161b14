export { GUARDS, type Guard, type GuardRegistry, type GuardRun, type ImageIndexer } from './guards.ts';
export { createHomeFolder, type HomeFolder, temporaryFolder } from './temporary-folder.ts';

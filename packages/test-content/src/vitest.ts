export { GUARDS, type Guard, type GuardPath, type GuardRegistry, type GuardRun } from './guards.ts';
export { createHomeFolder, type HomeFolder, temporaryFolder } from './temporary-folder.ts';

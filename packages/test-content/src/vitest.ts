export { GUARDS, type Guard, type GuardPath, type GuardRegistry, type GuardRun } from './guards.ts';
export { temporaryFolder } from './temporary-folder.ts';

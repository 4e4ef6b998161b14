export { TestRuntimeError, type TestRuntimeErrorCode } from './errors.ts';
export { createGuardedFolder, type GuardedFolder } from './guarded-folder.ts';
export type { Mount } from './mounts.ts';
export type { ProgramResult } from './processes.ts';
export { type FindRuntimeOptions, findRuntime, type RuntimeAvailability, type RuntimePrograms } from './programs.ts';
export { type CountingProxy, type ProxiedRequest, type ProxyOptions, type ProxyTraffic, startProxy } from './proxy.ts';
export { type RegistryOptions, startRegistry } from './registry.ts';
export { type ImageRequest, type Runtime, type RuntimeOptions, type Snapshotter, startRuntime } from './runtime.ts';
export type { SnapshotterSettings } from './settings.ts';

export { DEFAULT_MAX_MEMORY, MemoryStore, type MemoryStoreOptions } from './memory/memory-store.ts';

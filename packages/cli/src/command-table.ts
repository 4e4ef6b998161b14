import type { Command } from './command.ts';

/** A command by its names. What it is and does is loaded when it is wanted: one command does not pay for the others. */
export interface CommandEntry {
  /** Its own name, then its aliases; one or two words each. */
  readonly names: readonly [name: string, ...aliases: string[]];
  load(): Promise<Command>;
}

/** Every command of the program, in the order of its help. */
export const COMMANDS: readonly CommandEntry[] = [
  { names: ['convert'], load: async () => (await import('./commands/convert.ts')).convert },
  { names: ['create'], load: async () => (await import('./commands/create.ts')).create },
  { names: ['inspect'], load: async () => (await import('./commands/inspect.ts')).inspect },
  { names: ['verify'], load: async () => (await import('./commands/verify.ts')).verify },
  { names: ['ls'], load: async () => (await import('./commands/ls.ts')).ls },
  { names: ['cat'], load: async () => (await import('./commands/cat.ts')).cat },
  { names: ['ztoc create'], load: async () => (await import('./commands/ztoc-create.ts')).ztocCreate },
  { names: ['ztoc info'], load: async () => (await import('./commands/ztoc-info.ts')).ztocInfo },
  { names: ['ztoc ls', 'ztoc list'], load: async () => (await import('./commands/ztoc-ls.ts')).ztocLs },
  { names: ['ztoc cat', 'ztoc get-file'], load: async () => (await import('./commands/ztoc-cat.ts')).ztocCat },
  { names: ['ztoc verify'], load: async () => (await import('./commands/ztoc-verify.ts')).ztocVerify },
];

import type { Command } from './command.ts';
import { ztocCreate } from './commands/ztoc-create.ts';

/** Every command of the program, in the order of its help. */
export const COMMANDS: readonly Command[] = [ztocCreate];

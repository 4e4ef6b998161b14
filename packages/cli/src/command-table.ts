import type { Command } from './command.ts';
import { cat } from './commands/cat.ts';
import { convert } from './commands/convert.ts';
import { create } from './commands/create.ts';
import { demo } from './commands/demo.ts';
import { inspect } from './commands/inspect.ts';
import { ls } from './commands/ls.ts';
import { verify } from './commands/verify.ts';
import { ztocCat } from './commands/ztoc-cat.ts';
import { ztocCreate } from './commands/ztoc-create.ts';
import { ztocInfo } from './commands/ztoc-info.ts';
import { ztocLs } from './commands/ztoc-ls.ts';
import { ztocVerify } from './commands/ztoc-verify.ts';

/** Every command of the program, in the order of its help. */
export const COMMANDS: readonly Command[] = [
  convert,
  create,
  inspect,
  verify,
  ls,
  cat,
  ztocCreate,
  ztocInfo,
  ztocLs,
  ztocCat,
  ztocVerify,
  demo,
];

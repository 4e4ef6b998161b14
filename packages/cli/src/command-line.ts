export { text, valueOption } from './arguments/option.ts';
export { REGISTRY_OPTIONS, toRegistryAccess } from './arguments/registry-options.ts';
export { parseSize } from './arguments/size.ts';
export { type Command, type CommandContext, defineCommand } from './command.ts';
export { EXIT, type ExitCode } from './exit-code.ts';
export type { CliIo } from './io.ts';
export { withProcessIo } from './process-io.ts';
export { runCommand, tellFailure } from './run-command.ts';

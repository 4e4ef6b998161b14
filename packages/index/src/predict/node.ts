import { posix } from 'node:path';
import type { Interpreting, Run } from './interpreter.ts';
import { OPENSSL_CONFIGURATION } from './libraries.ts';
import { NodeModules } from './node-modules.ts';
import type { Origin } from './prediction.ts';

/** Options of `node` whose value is the next argument. */
const VALUED_OPTIONS: ReadonlySet<string> = new Set(['-C', '--conditions', '--env-file', '--inspect-port', '--title']);

/** Predicts what Node.js reads when it starts, and the modules that the program loads. */
export async function addNode({
  prediction,
  libraries,
  file,
  args,
  origin,
  run,
}: Interpreting & { readonly run: Run }): Promise<void> {
  const { directory, variables } = prediction.environment;
  await prediction.addPath(OPENSSL_CONFIGURATION, { ...origin, reason: 'configuration' });
  const modules = new NodeModules(prediction, libraries);
  const imports: Origin = { ...origin, reason: 'import', from: file.path };
  const options = (variables.get('NODE_OPTIONS') ?? '').split(/\s+/).filter((each) => each !== '');
  const all = [...options, ...args];
  for (let at = 0; at < all.length; at++) {
    const [arg = '', joined] = splitOption(all[at] as string);
    const value = joined ?? all[at + 1] ?? '';
    if (arg === '-r' || arg === '--require' || arg === '--import') {
      await modules.loadSpecifier(value, directory, imports, arg === '--import');
    } else if (/^(?:-e|-p|-pe|--eval|--print)$/.test(arg)) {
      await modules.addImports(value, directory, imports);
      return;
    } else if (!arg.startsWith('-')) {
      const path = posix.resolve(directory, arg);
      await modules.load(path, { ...imports, reason: 'script' });
      if (/\/(?:npm|npm-cli\.js|yarn|yarn\.js|pnpm|pnpm\.c?js)$/.test(path))
        await runPackageScript(all.slice(at + 1), modules, directory, origin, run);
      return;
    } else if (!VALUED_OPTIONS.has(arg)) continue;
    if (joined === undefined) at++;
  }
}

/** Runs a script of `package.json`, as `npm start`, `npm run NAME` and `yarn NAME` do. */
async function runPackageScript(
  args: readonly string[],
  modules: NodeModules,
  directory: string,
  origin: Origin,
  run: Run,
): Promise<void> {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'));
  const name = first === 'run' || first === 'run-script' ? second : first;
  const scripts = (await modules.package(directory))?.fields['scripts'];
  if (name === undefined || typeof scripts !== 'object' || scripts === null || !Object.hasOwn(scripts, name)) return;
  const script = (scripts as Readonly<Record<string, unknown>>)[name];
  if (typeof script === 'string') await run({ command: '/bin/sh', args: ['-c', script], origin });
}

/** Splits `--name=value`. */
function splitOption(arg: string): readonly [name: string, value?: string] {
  const at = arg.startsWith('--') ? arg.indexOf('=') : -1;
  return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
}

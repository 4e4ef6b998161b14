import { posix } from 'node:path';
import type { FoundFile } from './image-files.ts';
import type { Interpreting } from './interpreter.ts';
import { addLocale } from './locale.ts';
import type { Origin, Prediction } from './prediction.ts';
import { PythonModules } from './python-modules.ts';
import { parentOf } from './python-names.ts';
import { PythonSearchPath, type PythonVersion } from './python-search-path.ts';

/** Maximum size of a `.pth` file or of `pyvenv.cfg`, in bytes. */
const MAX_CONFIGURATION_SIZE = 64 << 10;
/** Maximum number of `.pth` files in one directory. */
const MAX_PTH_FILES = 100;

/** Maximum length of an argument that may name a module. */
const MAX_ARGUMENT = 512;

/** Modules that every start imports. Checked with `python -v -c pass` of 3.8 to 3.13. */
const STARTUP_MODULES = [
  'encodings',
  'encodings.aliases',
  'encodings.utf_8',
  'codecs',
  'io',
  'abc',
  'site',
  'os',
  '_sitebuiltins',
];

/** Options of `python` whose value is the next argument. */
const VALUED_OPTIONS: ReadonlySet<string> = new Set(['-W', '-X', '--check-hash-based-pycs']);

/** What a Python interpreter was told to run. */
interface PythonCommand {
  readonly kind: 'code' | 'module' | 'script';
  readonly value: string;
  /** Arguments of the program. */
  readonly args: readonly string[];
  readonly importsSite: boolean;
  /** Whether the environment and the directory of the program are ignored. */
  readonly isIsolated: boolean;
}

/** Predicts what a Python interpreter reads: the standard modules of a start, and the modules that the program imports. */
export async function addPython(interpreting: Interpreting): Promise<void> {
  const { prediction, libraries, file, args, origin } = interpreting;
  const { files, environment } = prediction;
  const command = parseCommand(args);
  const installation = await findInstallation(interpreting);
  await addLocale(prediction, { ...origin, from: file.path }, 'C.utf8');
  await prediction.addPath('/etc/localtime', { ...origin, reason: 'configuration' });
  if (installation === undefined) return;
  const { version, prefix, library } = installation;
  const imports: Origin = { reason: 'import', from: file.path, depth: origin.depth };
  const isolated = command?.isIsolated ?? false;
  const added = isolated ? '' : (environment.variables.get('PYTHONPATH') ?? '');
  const first = added
    .split(':')
    .filter((each) => each !== '')
    .map((each) => posix.resolve(environment.directory, each));
  const directories = [...first, library, `${library}/lib-dynload`];
  const searchPath = new PythonSearchPath({ files, version, library, directories });
  const archive = await files.find(`${prefix}/lib/python${version.major}${version.minor}.zip`);
  if (archive !== undefined) prediction.add(archive, imports);
  const modules = new PythonModules({ prediction, libraries, version, searchPath });
  for (const name of STARTUP_MODULES) await modules.import(name, imports);
  if (version.minor <= 9) await modules.import('_bootlocale', imports);
  if (version.minor <= 8) await modules.import('encodings.latin_1', imports);
  if (command === undefined || command.importsSite) {
    const environmentPrefix = await findVirtualEnvironment(interpreting);
    const home = isolated ? undefined : (environment.variables.get('HOME') ?? '/root');
    for (const directory of siteDirectories(
      environmentPrefix ?? prefix,
      version,
      environmentPrefix === undefined ? home : undefined,
    )) {
      await addSite(directory, modules, interpreting, imports);
    }
    for (const name of ['sitecustomize', 'usercustomize']) await modules.import(name, imports);
  }
  if (command !== undefined) await runCommand(command, modules, interpreting, imports);
}

async function runCommand(
  { kind, value, args, isIsolated }: PythonCommand,
  modules: PythonModules,
  { prediction, origin }: Interpreting,
  imports: Origin,
): Promise<void> {
  const { files, environment } = prediction;
  const { directory, variables } = environment;
  if (kind === 'code') {
    if (!isIsolated) modules.searchPath.addFirst(directory);
    await modules.addSource(value, '', imports, { isMain: true });
  } else if (kind === 'module') {
    if (!isIsolated) modules.searchPath.addFirst(directory);
    await modules.import('runpy', imports);
    await modules.runModule(value, imports);
  } else {
    const path = posix.resolve(directory, value);
    const real = (await files.realpath(path)) ?? path;
    const main = (await files.find(path)) ?? (await files.find(`${path}/__main__.py`));
    if (main === undefined) return;
    if (!isIsolated) modules.searchPath.addFirst(main.path.startsWith(`${real}/`) ? real : posix.dirname(main.path));
    prediction.add(main, { ...origin, reason: 'script' });
    modules.scan(main, '', { ...imports, from: main.path }, { isMain: true });
  }
  for (const name of namedModules(args, variables)) {
    modules.searchPath.addLast(directory);
    await modules.import(name, imports);
  }
  for (const arg of args) await addArgument(arg.replace(/^--?[\w-]+=/, ''), modules, prediction, imports);
}

/**
 * Predicts the module or the source file that an argument names, if it exists: `project.wsgi` of gunicorn,
 * `uvicorn.workers.UvicornWorker`, `main.py` of `fastapi run`.
 */
async function addArgument(
  arg: string,
  modules: PythonModules,
  prediction: Prediction,
  imports: Origin,
): Promise<void> {
  const { searchPath } = modules;
  const { files } = prediction;
  const { directory } = prediction.environment;
  if (arg.length > MAX_ARGUMENT) return;
  if (arg.endsWith('.py')) {
    const file = await files.find(posix.resolve(directory, arg));
    if (file === undefined) return;
    searchPath.addLast(directory);
    searchPath.addLast(posix.dirname(file.path));
    const name = posix.relative(directory, file.path.slice(0, -'.py'.length)).replaceAll('/', '.');
    const located = await searchPath.locateModule(name);
    if (located?.path === file.path) await modules.import(name, imports);
    else prediction.add(file, { ...imports, reason: 'script' });
    modules.scan(file, parentOf(name), { ...imports, from: file.path }, { isMain: true });
  } else if (/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(arg)) {
    // A name without dots is often a subcommand: it counts only if the working directory has such a module.
    const isInstalled = arg.includes('.');
    for (const name of [arg, arg.replace(/\.[A-Z]\w*$/, '')]) {
      const own = await searchPath.locateModule(name, [directory]);
      const located = own ?? (isInstalled ? await searchPath.locateModule(name) : undefined);
      if (located?.path === undefined || searchPath.isStandard(located)) continue;
      if (own !== undefined) searchPath.addLast(directory);
      await modules.import(name, imports);
      return;
    }
  }
}

/** Returns the modules that arguments and variables of servers and frameworks name, such as `app:app` of gunicorn. */
function namedModules(args: readonly string[], variables: ReadonlyMap<string, string>): readonly string[] {
  const application = args.filter((arg) => /^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(.*\))?$/.test(arg));
  const option = args.findIndex((arg) => arg === '-A' || arg === '--app');
  const values = [
    ...application,
    ...(option < 0 ? [] : [args[option + 1] ?? '']),
    variables.get('FLASK_APP') ?? (args.includes('run') ? 'app' : ''),
    variables.get('DJANGO_SETTINGS_MODULE') ?? '',
  ];
  return values
    .map((value) => value.replace(/[:(].*$/, '').replace(/\.py$/, ''))
    .filter((name) => /^[A-Za-z_][\w.]*$/.test(name));
}

function parseCommand(args: readonly string[]): PythonCommand | undefined {
  let importsSite = true;
  let isIsolated = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (VALUED_OPTIONS.has(arg)) at++;
    else if (/^-[a-zA-Z?]+$/.test(arg)) {
      const letters = arg.slice(1);
      if (letters.includes('S')) importsSite = false;
      if (/[IP]/.test(letters)) isIsolated = true;
      const last = letters.at(-1);
      if (last !== 'c' && last !== 'm') continue;
      const value = args[at + 1];
      const kind = last === 'c' ? 'code' : 'module';
      return value === undefined ? undefined : { kind, value, args: args.slice(at + 2), importsSite, isIsolated };
    } else if (!arg.startsWith('-')) {
      return { kind: 'script', value: arg, args: args.slice(at + 1), importsSite, isIsolated };
    }
  }
  return undefined;
}

interface Installation {
  readonly version: PythonVersion;
  /** Directory that contains `lib`. */
  readonly prefix: string;
  /** Directory of the standard modules. */
  readonly library: string;
}

/** Finds the standard modules: below a parent of the interpreter, as getpath.py does. */
async function findInstallation({ prediction, file }: Interpreting): Promise<Installation | undefined> {
  const { files, environment } = prediction;
  const home = environment.variables.get('PYTHONHOME')?.split(':')[0];
  const [, major, minor] = /python(\d)\.(\d+)/.exec(posix.basename(file.path)) ?? [];
  for (let prefix = home || posix.dirname(posix.dirname(file.path)); ; prefix = posix.dirname(prefix)) {
    const root = prefix === '/' ? '' : prefix;
    const names = await files.list(`${root}/lib`);
    const versions = (names ?? [])
      .flatMap((name) => /^python(\d)\.(\d+)$/.exec(name) ?? [])
      .filter((_, index) => index % 3 === 0)
      .map((name) => name.slice('python'.length).split('.').map(Number) as [number, number])
      .filter((each) => major === undefined || (each[0] === Number(major) && each[1] === Number(minor)))
      .sort((a, b) => b[0] - a[0] || b[1] - a[1]);
    for (const [versionMajor, versionMinor] of versions) {
      const library = `${root}/lib/python${versionMajor}.${versionMinor}`;
      const hasModules = (await files.list(library))?.some((name) => name === 'os.py' || name === 'os.pyc');
      if (hasModules) return { version: { major: versionMajor, minor: versionMinor }, prefix: root, library };
    }
    if (root === '' || home) return undefined;
  }
}

/** Returns the root of the virtual environment that the interpreter was run from, if any. */
async function findVirtualEnvironment({ prediction, path, origin }: Interpreting): Promise<string | undefined> {
  const directory = posix.dirname(path);
  for (const each of [directory, posix.dirname(directory)]) {
    const configuration = await prediction.addPath(`${each}/pyvenv.cfg`, { ...origin, reason: 'configuration' });
    if (configuration !== undefined) return each;
  }
  return undefined;
}

/** Returns the directories of installed packages, of Python and of Debian. */
function siteDirectories(prefix: string, { major, minor }: PythonVersion, home: string | undefined): readonly string[] {
  const versioned = `python${major}.${minor}`;
  return [
    ...(home === undefined ? [] : [`${home}/.local/lib/${versioned}/site-packages`]),
    ...(prefix === '/usr' ? [`/usr/local/lib/${versioned}/dist-packages`, '/usr/lib/python3/dist-packages'] : []),
    `${prefix}/lib/${versioned}/site-packages`,
    ...(prefix === '/usr' ? [`/usr/lib64/${versioned}/site-packages`] : []),
  ];
}

/** Adds a directory of packages to the search path, with its `.pth` files. @see site.py, `addsitedir` */
async function addSite(
  directory: string,
  modules: PythonModules,
  { prediction }: Interpreting,
  imports: Origin,
): Promise<void> {
  const { files } = prediction;
  const names = await files.list(directory);
  if (names === undefined) return;
  modules.searchPath.addLast(directory);
  const paths = names.filter((name) => name.endsWith('.pth')).toSorted();
  for (const name of paths.slice(0, MAX_PTH_FILES)) {
    const file: FoundFile | undefined = await prediction.addPath(`${directory}/${name}`, {
      ...imports,
      reason: 'configuration',
    });
    const text = file && (await files.readText(file, MAX_CONFIGURATION_SIZE));
    for (const line of text?.split('\n') ?? []) {
      if (/^import[ \t]/.test(line)) await modules.addSource(line, '', { ...imports, from: file?.path ?? directory });
      else if (line.trim() !== '' && !line.startsWith('#'))
        modules.searchPath.addLast(posix.resolve(directory, line.trim()));
    }
  }
}

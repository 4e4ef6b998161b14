import { posix } from 'node:path';
import type { FoundFile } from './image-files.ts';
import type { Interpreting, Run } from './interpreter.ts';
import { addLocale } from './locale.ts';
import type { Origin } from './prediction.ts';
import { findRubyRequires } from './ruby-requires.ts';

/** Libraries that every start requires. Checked with `$LOADED_FEATURES` of Ruby 3.1. */
const STARTUP = [
  'enc/encdb',
  'enc/trans/transdb',
  'rbconfig',
  'rubygems',
  'monitor',
  'error_highlight',
  'did_you_mean',
  'syntax_suggest/core_ext',
];
/** Maximum size of a source file whose requires are searched, in bytes. */
const MAX_SOURCE_SIZE = 512 << 10;
/** Maximum number of directories that are searched for libraries. */
const MAX_LOAD_PATH = 2000;
/** Maximum number of directories with gems. */
const MAX_GEM_DIRECTORIES = 100;
/** Options of `ruby` whose value is the next argument. */
const VALUED_OPTIONS: ReadonlySet<string> = new Set(['-C', '-E', '-I', '-W']);
/** Servers that load `config.ru` of the working directory. */
const RACK_SERVERS: ReadonlySet<string> = new Set(['falcon', 'puma', 'rackup', 'thin', 'unicorn']);

/** Predicts what Ruby reads: the standard libraries of each start, and the libraries that the program requires, also of gems. */
export async function addRuby({ run, ...interpreting }: Interpreting & { readonly run: Run }): Promise<void> {
  const { prediction, file, args, origin } = interpreting;
  const { directory } = prediction.environment;
  await addLocale(prediction, { ...origin, from: file.path });
  const imports: Origin = { ...origin, reason: 'import', from: file.path };
  const libraries = new RubyLibraries(interpreting, await findLoadPath(interpreting));
  for (const name of STARTUP) await libraries.require(name, imports);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '-e') return libraries.addSource(args[at + 1] ?? '', directory, imports);
    if (/^-r./.test(arg)) await libraries.require(arg.slice('-r'.length), imports);
    else if (VALUED_OPTIONS.has(arg)) at++;
    else if (!arg.startsWith('-')) return runScript(arg, args.slice(at + 1));
  }

  async function runScript(name: string, [first, command, ...rest]: readonly string[]): Promise<void> {
    const script = await prediction.addPath(posix.resolve(directory, name), { ...origin, reason: 'script' });
    if (script !== undefined) libraries.scan(script, imports);
    const program = posix.basename(name);
    if (program === 'bundle' && first === 'exec' && command !== undefined) await run({ command, args: rest, origin });
    const rack = RACK_SERVERS.has(program) ? await prediction.addPath(`${directory}/config.ru`, imports) : undefined;
    if (rack !== undefined) libraries.scan(rack, imports);
  }
}

/** Returns the directories in which `require` searches: those of Ruby, of the distribution, and of installed gems. */
async function findLoadPath({ prediction, file, args }: Interpreting): Promise<readonly string[]> {
  const { files, environment } = prediction;
  const { variables, directory } = environment;
  const list = async (path: string) => (await files.list(path)) ?? [];
  const prefix = posix.resolve(file.path, '../..');
  const [, named] = /^ruby(\d+\.\d+)$/.exec(posix.basename(file.path)) ?? [];
  const versions = (await list(`${prefix}/lib/ruby`)).filter((name) => /^\d+\.\d+\.\d+$/.test(name));
  const version = versions.find((name) => named === undefined || name.startsWith(`${named}.`));
  if (version === undefined) return [];
  const library = `${prefix}/lib/ruby`;
  /** Directories for this machine: in that of the version, or those of Debian. */
  const own = (await list(`${library}/${version}`)).filter((name) => /^[\w.-]+-linux/.test(name));
  const debian = (await list(`${prefix}/lib`)).filter((name) => /^[\w.]+-linux-gnu/.test(name));
  const gems = [
    ...[variables.get('GEM_HOME'), ...(variables.get('GEM_PATH') ?? '').split(':')],
    ...[variables.get('BUNDLE_PATH') ?? '', `${directory}/vendor/bundle`].map(
      (path) => path && `${path}/ruby/${version}`,
    ),
    `${library}/gems/${version}`,
    `/var/lib/gems/${version}`,
    ...[version, 'all'].map((name) => `${prefix}/share/rubygems-integration/${name}`),
    ...debian.map((name) => `${prefix}/lib/${name}/rubygems-integration/${version}`),
  ].filter((path) => path !== undefined && path !== '');
  const installed = await Promise.all(gems.slice(0, MAX_GEM_DIRECTORIES).map((path) => findGems(path as string, list)));
  const given = args.flatMap((arg, at) => (arg === '-I' ? (args[at + 1] ?? []) : (/^-I(.+)/.exec(arg)?.[1] ?? [])));
  return [
    ...[...given, variables.get('RUBYLIB') ?? '']
      .flatMap((each) => each.split(':'))
      .filter((path) => path !== '')
      .map((path) => posix.resolve(directory, path)),
    ...['site_ruby', 'vendor_ruby'].flatMap((name) => [`${library}/${name}/${version}`, `${library}/${name}`]),
    `${library}/${version}`,
    ...own.map((name) => `${library}/${version}/${name}`),
    ...debian.map((name) => `${prefix}/lib/${name}/ruby/${version}`),
    ...installed.flat(),
  ].slice(0, MAX_LOAD_PATH);
}

/** Returns the directories of the libraries and of the extension modules of gems in a directory. */
async function findGems(path: string, list: (path: string) => Promise<readonly string[]>): Promise<readonly string[]> {
  const libraries = (await list(`${path}/gems`)).map((name) => `${path}/gems/${name}/lib`);
  const extensions: string[] = [];
  for (const platform of (await list(`${path}/extensions`)).slice(0, 4)) {
    for (const version of (await list(`${path}/extensions/${platform}`)).slice(0, 4)) {
      const root = `${path}/extensions/${platform}/${version}`;
      extensions.push(...(await list(root)).map((name) => `${root}/${name}`));
    }
  }
  return [...libraries, ...extensions];
}

/** Predicts the libraries that a Ruby program requires. */
class RubyLibraries {
  readonly #interpreting: Interpreting;
  readonly #loadPath: readonly string[];
  /** Directories by the first part of the names of their libraries. */
  #directories: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

  constructor(interpreting: Interpreting, loadPath: readonly string[]) {
    this.#interpreting = interpreting;
    this.#loadPath = loadPath;
  }

  /** Predicts a library, and later what it requires. */
  async require(name: string, origin: Origin): Promise<void> {
    this.#directories ??= this.#index();
    const [first = ''] = name.split('/', 1);
    if (first === '' || first === '.' || first === '..') {
      await this.#load(posix.resolve(this.#interpreting.prediction.environment.directory, name), origin);
      return;
    }
    const directories = (await this.#directories).get(first.replace(/\.(?:rb|so)$/, ''));
    for (const directory of directories ?? []) if (await this.#load(`${directory}/${name}`, origin)) return;
  }

  /** Visits a source file for what it requires. */
  scan(file: FoundFile, origin: Origin): void {
    const { prediction } = this.#interpreting;
    prediction.visit('ruby', file, origin, async () => {
      const source = await prediction.files.readText(file, MAX_SOURCE_SIZE);
      const next: Origin = { reason: 'import', from: file.path, depth: origin.depth + 1 };
      if (source !== undefined) await this.addSource(source, posix.dirname(file.path), next);
    });
  }

  /** Predicts what source code in a directory requires when it runs. */
  async addSource(source: string, directory: string, origin: Origin): Promise<void> {
    for (const { name, isRelative } of findRubyRequires(source)) {
      if (isRelative) await this.#load(posix.resolve(directory, name), origin);
      else await this.require(name, origin);
    }
  }

  /** Predicts the library at a path without its extension, or with it. */
  async #load(path: string, origin: Origin): Promise<boolean> {
    const { prediction, libraries } = this.#interpreting;
    for (const each of /\.(?:rb|so)$/.test(path) ? [path] : [`${path}.rb`, `${path}.so`]) {
      const file = await prediction.files.find(each);
      if (file === undefined) continue;
      if (each.endsWith('.so')) {
        prediction.visit('extension', file, origin, async () => {
          await libraries.addElf(file, origin, { isProgram: false });
        });
      } else {
        prediction.add(file, origin);
        this.scan(file, origin);
      }
      return true;
    }
    return false;
  }

  async #index(): Promise<ReadonlyMap<string, readonly string[]>> {
    const directories = new Map<string, string[]>();
    for (const directory of this.#loadPath) {
      const names = (await this.#interpreting.prediction.files.list(directory)) ?? [];
      for (const name of new Set(names.map((each) => each.replace(/\.(?:rb|so)$/, '')))) {
        const known = directories.get(name);
        if (known === undefined) directories.set(name, [directory]);
        else known.push(directory);
      }
    }
    return directories;
  }
}

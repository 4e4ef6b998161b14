import { posix } from 'node:path';
import { type ElfFile, parseElf, rangesOfElf } from './elf.ts';
import type { FoundFile } from './image-files.ts';
import type { Origin, Prediction } from './prediction.ts';

/** Debian's name of each instruction set in the default directories of libraries, by `e_machine`, for 64 bits or else 32 bits. */
const MULTIARCH: Readonly<Record<string, string>> = {
  '3/32': 'i386-linux-gnu',
  '21/64': 'powerpc64le-linux-gnu',
  '22/64': 's390x-linux-gnu',
  '40/32': 'arm-linux-gnueabihf',
  '62/64': 'x86_64-linux-gnu',
  '183/64': 'aarch64-linux-gnu',
  '243/64': 'riscv64-linux-gnu',
  '258/64': 'loongarch64-linux-gnu',
};

/** `$PLATFORM` of 64-bit x86 and ARM. */
const PLATFORM: Readonly<Record<string, string>> = { '62/64': 'x86_64', '183/64': 'aarch64' };

/** Maximum number of directories in `ld.so.conf` and the files that it includes. */
const MAX_CONFIGURED = 256;
/** Maximum number of files of one ELF closure. Large desktop programs link with 300. */
const MAX_LIBRARIES = 1024;
/** Maximum size of a file with search paths, in bytes. */
const MAX_CONFIGURATION_SIZE = 64 << 10;

/** How the loader of a program searches libraries. */
interface Loader {
  readonly architecture: string;
  readonly isMusl: boolean;
  /** Directories that are searched last, in order. */
  readonly directories: readonly string[];
  /** Libraries that are loaded, by name. The loader loads each name once. */
  readonly loaded: Map<string, Promise<FoundFile | undefined>>;
}

/** An ELF file that a loader loads, with the search path that it inherits. */
interface Loading {
  readonly file: FoundFile;
  readonly origin: Origin;
  readonly loader: Loader | undefined;
  /** `DT_RPATH` directories of the files that lead to this one. */
  readonly inherited: readonly string[];
}

/** Finds the files that the dynamic loader reads. One for each prediction. */
export class LibraryFinder {
  readonly #prediction: Prediction;
  readonly #loaders = new Map<string, Promise<Loader>>();

  constructor(prediction: Prediction) {
    this.#prediction = prediction;
  }

  /**
   * Predicts a program or an extension module, its interpreter (`PT_INTERP`), and the closure of its libraries (`DT_NEEDED`).
   *
   * @param isProgram - All code of a program is predicted. Only the start of large code of a library is.
   */
  async addElf(
    file: FoundFile,
    origin: Origin,
    { isProgram }: { readonly isProgram: boolean },
  ): Promise<ElfFile | undefined> {
    return this.#load({ file, origin, loader: undefined, inherited: [] }, isProgram);
  }

  async #load({ file, origin, loader, inherited }: Loading, isProgram: boolean): Promise<ElfFile | undefined> {
    const { files } = this.#prediction;
    const elf = await parseElf((offset, length) => files.read(file, offset, length), file.size);
    const architecture = elf && architectureOf(elf);
    if (elf === undefined || architecture === undefined || (loader && loader.architecture !== architecture))
      return undefined;
    const ranges = rangesOfElf(elf, file.size, { isProgram });
    this.#prediction.add(file, origin, coversFile(ranges, file.size) ? undefined : ranges);
    const next: Origin = { reason: 'library', from: file.path, depth: origin.depth + 1 };
    if (elf.interpreter !== undefined) await this.#addLibrary(await files.find(elf.interpreter), next, loader, []);
    if (elf.needed.length === 0 && elf.interpreter === undefined) return elf;
    const used = loader ?? (await this.#loaderOf(architecture, elf.interpreter));
    const own = (paths: readonly string[]) => paths.map((path) => expand(path, file.path, architecture));
    const rpath = elf.runpath.length > 0 ? [] : [...own(elf.rpath), ...inherited];
    const { variables } = this.#prediction.environment;
    const configured = (variables.get('LD_LIBRARY_PATH') ?? '').split(/[:;]/).filter((path) => path.startsWith('/'));
    const directories = [...rpath, ...configured, ...own(elf.runpath), ...used.directories];
    for (const name of elf.needed) {
      const known = used.loaded.get(name);
      if (known !== undefined || used.loaded.size >= MAX_LIBRARIES) continue;
      const finding = name.includes('/') ? files.find(posix.resolve('/', name)) : this.#search(name, directories);
      used.loaded.set(name, finding);
      await this.#addLibrary(await finding, next, used, rpath);
    }
    return elf;
  }

  async #addLibrary(
    file: FoundFile | undefined,
    origin: Origin,
    loader: Loader | undefined,
    inherited: readonly string[],
  ): Promise<void> {
    if (file === undefined) return;
    this.#prediction.visit('library', file, origin, async () => {
      await this.#load({ file, origin, loader, inherited }, false);
      const configuration = /^libcrypto\.so/.test(posix.basename(file.path)) ? OPENSSL_CONFIGURATION : undefined;
      const next: Origin = { reason: 'configuration', from: file.path, depth: origin.depth + 1 };
      if (configuration !== undefined) await this.#prediction.addPath(configuration, next);
    });
  }

  async #search(name: string, directories: readonly string[]): Promise<FoundFile | undefined> {
    for (const directory of directories) {
      const file = await this.#prediction.files.find(`${directory}/${name}`);
      if (file !== undefined) return file;
    }
    return undefined;
  }

  /** Returns the loader for an instruction set, and predicts what it reads besides libraries. */
  #loaderOf(architecture: string, interpreter: string | undefined): Promise<Loader> {
    const loader = this.#loaders.get(architecture) ?? this.#openLoader(architecture, interpreter);
    this.#loaders.set(architecture, loader);
    return loader;
  }

  async #openLoader(architecture: string, interpreter: string | undefined): Promise<Loader> {
    const loaded = new Map<string, Promise<FoundFile | undefined>>();
    const from = interpreter === undefined ? {} : { from: interpreter };
    const origin: Origin = { reason: 'configuration', ...from, depth: 0 };
    const isMusl = interpreter !== undefined && /\/ld-musl-/.test(interpreter);
    if (isMusl) {
      const path = `/etc/${posix.basename(interpreter).replace(/\.so\.1$/, '.path')}`;
      const file = await this.#prediction.addPath(path, origin);
      const text = file && (await this.#prediction.files.readText(file, MAX_CONFIGURATION_SIZE));
      const directories = text?.split(/[:\n]/).filter((each) => each.startsWith('/'));
      return { architecture, isMusl, loaded, directories: directories ?? ['/lib', '/usr/local/lib', '/usr/lib'] };
    }
    await this.#prediction.addPath('/etc/ld.so.preload', origin);
    await this.#prediction.addPath('/etc/ld.so.cache', origin);
    const triplet = MULTIARCH[architecture];
    const configured = (await this.#readConfiguration('/etc/ld.so.conf', 0)).filter(
      (path) => !Object.values(MULTIARCH).some((other) => other !== triplet && path.includes(other)),
    );
    const multiarch = triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`];
    const defaults = architecture.endsWith('/64') ? ['/lib64', '/usr/lib64', '/lib', '/usr/lib'] : ['/lib', '/usr/lib'];
    return { architecture, isMusl, loaded, directories: [...configured, ...multiarch, ...defaults] };
  }

  /** Returns the directories of `ld.so.conf`, from which `ldconfig` made `ld.so.cache`. @see ldconfig(8) */
  async #readConfiguration(path: string, depth: number): Promise<string[]> {
    const { files } = this.#prediction;
    const file = await files.find(path);
    const text = file && (await files.readText(file, MAX_CONFIGURATION_SIZE));
    const directories: string[] = [];
    for (const line of text?.split('\n') ?? []) {
      const [word = '', pattern = ''] = line.replace(/#.*/, '').trim().split(/\s+/);
      if (word.startsWith('/')) directories.push(word.replace(/=.*/, ''));
      if (word !== 'include' || depth > 0) continue;
      const absolute = posix.resolve('/etc', pattern);
      const [prefix = '', suffix = ''] = posix.basename(absolute).split('*');
      for (const name of (await files.list(posix.dirname(absolute)))?.toSorted() ?? []) {
        const matches =
          name.startsWith(prefix) && name.endsWith(suffix) && name.length >= prefix.length + suffix.length;
        if (matches)
          directories.push(...(await this.#readConfiguration(posix.resolve(posix.dirname(absolute), name), depth + 1)));
        if (directories.length > MAX_CONFIGURED) return directories.slice(0, MAX_CONFIGURED);
      }
    }
    return directories.slice(0, MAX_CONFIGURED);
  }
}

/** Configuration of OpenSSL as distributions build it. `libcrypto` reads it when it starts. */
export const OPENSSL_CONFIGURATION = '/etc/ssl/openssl.cnf';

function architectureOf({ machine, is64Bit }: ElfFile): string {
  return `${machine}/${is64Bit ? 64 : 32}`;
}

/** Expands `$ORIGIN`, `$LIB` and `$PLATFORM` in a search path. @see ld.so(8), "Dynamic string tokens" */
function expand(path: string, file: string, architecture: string): string {
  const lib = architecture.endsWith('/64') ? 'lib64' : 'lib';
  return posix.resolve(
    '/',
    path
      .replaceAll(/\$(?:ORIGIN|\{ORIGIN\})/g, posix.dirname(file))
      .replaceAll(/\$(?:LIB|\{LIB\})/g, lib)
      .replaceAll(/\$(?:PLATFORM|\{PLATFORM\})/g, PLATFORM[architecture] ?? ''),
  );
}

/** Returns whether ranges are all bytes of a file. */
function coversFile(ranges: readonly { readonly offset: number; readonly length: number }[], size: number): boolean {
  return ranges.length === 1 && ranges[0]?.offset === 0 && ranges[0].length === size;
}

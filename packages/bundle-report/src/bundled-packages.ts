import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The part of esbuild's metafile that says which files are in an output. */
export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

/** A package that a bundle contains code of. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly license: string;
  /** Contents of its license and notice files, by file name. */
  readonly texts: readonly string[];
  /** Whether it is a package of this repository. */
  readonly isOwn: boolean;
}

/** Licenses that code may have to be shipped with this project. All allow that under conditions that the notices meet. */
const ALLOWED_LICENSES = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0']);

/** Files in which a package keeps its license, and notices that the license wants to be kept. */
const LICENSE_FILE = /^(licen[cs]e|notice|copying)([.-].*)?$/i;

/** Paths of modules that are no files, such as `(disabled):fs`. */
const VIRTUAL = /^\(?[\w-]{2,}\)?:/;

/**
 * Lists the packages that have code in a bundle, by name and version.
 *
 * @param metafile - What esbuild says about the bundle; its paths are relative to the working directory.
 * @param isShipped - Whether an output, by its file name, is part of what is shipped. @default all are
 * @throws Error if a package has a license that is not allowed, or none.
 */
export function listBundledPackages(
  metafile: Metafile,
  isShipped: (file: string) => boolean = () => true,
): BundledPackage[] {
  const outputs = Object.entries(metafile.outputs).filter(([path]) => isShipped(basename(path)));
  const inputs = outputs.flatMap(([, output]) => Object.entries(output.inputs));
  const used = inputs.filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && !VIRTUAL.test(path));
  const folders = new Set(used.map(([path]) => packageFolder(resolve(path))));
  // Two folders may have one package, installed for different peers.
  const packages = new Map([...folders].map(readPackage).map((each) => [`${each.name}@${each.version}`, each]));
  return [...packages.values()].sort((a, b) => compare(`${a.name} ${a.version}`, `${b.name} ${b.version}`));
}

/** Returns the folder of the package that a file belongs to: packages may have further package.json files, without a name. */
function packageFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && typeof readJson(manifest).name === 'string') return folder;
  }
  throw new Error(`${file} belongs to no package`);
}

function readPackage(folder: string): BundledPackage {
  const { name, version, license } = readJson(join(folder, 'package.json'));
  const isOwn = !folder.includes(`${join('/', 'node_modules')}/`);
  if (typeof license !== 'string' || !ALLOWED_LICENSES.has(license)) {
    const found = license === undefined ? 'has no license' : `has the license ${JSON.stringify(license)}`;
    throw new Error(`cannot bundle ${name}@${version}: it ${found}. Allowed: ${[...ALLOWED_LICENSES].join(', ')}`);
  }
  const files = isOwn ? [] : readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
  const texts = files
    .sort(compare)
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
  return { name: String(name), version: String(version), license, texts, isOwn };
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

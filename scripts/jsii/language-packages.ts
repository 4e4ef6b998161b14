// The packages of the construct for Python, Java and Go. Each contains the construct as jsii compiles it.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { capture, run } from '../release/steps.ts';
import { readTarball, writeTarball } from '../release/tarball.ts';
import { type Manifest, makeTemporaryFolder } from '../workspace/packages.ts';
import { CONSTRUCT, compileAssembly } from './assembly.ts';

/** Modification time of the files of a wheel: the earliest of a zip. The wheel then depends on its content only. */
const SOURCE_DATE_EPOCH = '315532800';

/** Folders of the packages. */
const LANGUAGE_FOLDERS = ['python', 'java', 'go'] as const;

/** Line of the generated Python code that imports the checks of arguments. */
const CHECKS = 'from jsii._type_checking import cached_type_hints, check_type\n';

/** Options of Maven's JVM for runs of a few seconds: a quarter less processor time than by default. */
export const MAVEN_OPTS: string = `${process.env.MAVEN_OPTS ?? ''} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`.trim();

/** What builds a package, and how to get it. */
const PROGRAMS = [
  {
    language: 'Python',
    command: ['python3', '-m', 'pip', '--version'],
    remedy: 'Install Python 3.10 or later with pip',
  },
  { language: 'Java', command: ['mvn', '--version'], remedy: 'Install Maven and a JDK' },
] as const;

/** Returns what this machine cannot build, with the remedy. Go needs no program: its package is source code. */
export async function languageProblems(): Promise<string[]> {
  const problems: string[] = [];
  for (const { language, command, remedy } of PROGRAMS) {
    const [program, ...args] = command;
    const result = await capture(program, args, { cwd: CONSTRUCT }).catch(() => ({ code: 1 }));
    if (result.code !== 0) problems.push(`cannot build the package for ${language}: ${program} is missing. ${remedy}.`);
  }
  return problems;
}

/**
 * Writes the packages for other languages: `python/*.whl`, the Maven repository `java/`, and `go/*.tar.gz`. Omits those of
 * {@link languageProblems}. The versions are that of the npm package.
 *
 * @param tarball - The packed npm package of the construct. Its README, licenses and assets are in the others too.
 * @param folder - Gets a folder for each language.
 * @returns Paths of the written files.
 * @throws Error with the output of jsii, pip or Maven if it fails.
 */
export async function writeLanguagePackages(tarball: string, folder: string): Promise<string[]> {
  const problems = await languageProblems();
  const generated = await generateSources(tarball);
  const isPossible = (language: string) => !problems.some((problem) => problem.includes(`for ${language}:`));
  await Promise.all([
    isPossible('Python') && buildWheel(join(generated, 'python'), join(folder, 'python')),
    isPossible('Java') && buildJar(join(generated, 'java'), join(folder, 'java')),
  ]);
  const module = join(generated, 'go');
  const files = listFiles(module).map((name) => ({
    name,
    content: readFileSync(join(module, name)),
    isExecutable: false,
  }));
  mkdirSync(join(folder, 'go'), { recursive: true });
  writeFileSync(join(folder, 'go', `soci-construct-go-${versionOf(tarball)}.tar.gz`), writeTarball(files, ''));
  return LANGUAGE_FOLDERS.flatMap((name) => listFiles(join(folder, name)).map((file) => join(folder, name, file)));
}

/** Builds a wheel with a pip of its own, which Debian's Python lacks. */
async function buildWheel(project: string, folder: string): Promise<void> {
  addChecks(join(project, 'src', 'soci_construct'));
  const environment = makeTemporaryFolder('python');
  await run('python3', ['-m', 'venv', environment], { cwd: project });
  const args = ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', folder, '.'];
  await run(join(environment, 'bin', 'python'), args, { cwd: project, env: { SOURCE_DATE_EPOCH } });
}

/** Lets generated Python code use the checks of `_checks.py`. */
function addChecks(module: string): void {
  const path = join(module, '__init__.py');
  const code = readFileSync(path, 'utf8');
  if (!code.includes(CHECKS)) throw new Error(`${path} does not import the checks of jsii as _checks.py expects`);
  const replacement = 'from jsii._type_checking import cached_type_hints\nfrom ._checks import check_type\n';
  writeFileSync(path, code.replace(CHECKS, replacement));
  copyFileSync(join(import.meta.dirname, '_checks.py'), join(module, '_checks.py'));
}

/** Builds the jars of code, sources and documentation. Also installs them in the local repository of Maven. */
async function buildJar(project: string, folder: string): Promise<void> {
  const target = `-DaltDeploymentRepository=local::default::file://${folder}`;
  await run('mvn', ['--batch-mode', '--quiet', 'deploy', target], { cwd: project, env: { MAVEN_OPTS } });
}

/** Compiles the construct with jsii and generates a project for each language. Returns the folder of the projects. */
async function generateSources(tarball: string): Promise<string> {
  const folder = makeTemporaryFolder('jsii');
  let manifest: Manifest | undefined;
  for (const { name, content } of readTarball(readFileSync(tarball))) {
    if (name === 'package.json') manifest = JSON.parse(content.toString()) as Manifest;
    if (name === 'package.json' || name.startsWith('dist/')) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  if (manifest === undefined) throw new Error(`${tarball} has no package.json`);
  compileAssembly(folder, manifest);
  const pacmak = join(CONSTRUCT, 'node_modules', 'jsii-pacmak', 'bin', 'jsii-pacmak');
  const env = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
  await run(process.execPath, [pacmak, '--code-only', '--no-npmignore', '--no-validate-assemblies'], {
    cwd: folder,
    env,
  });
  return join(folder, 'languages');
}

const versionOf = (tarball: string) => /-(\d[^/]*)\.tgz$/.exec(tarball)?.[1] ?? 'unknown';

function listFiles(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort();
}

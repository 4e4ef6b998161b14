// As a CDK app has it: the tarball of the construct, with the oldest aws-cdk-lib that it takes and with the pinned one, gives the
// same template from CommonJS as from ES modules, with nothing on PATH but Node; and the examples run with it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { report } from '../report.ts';
import { packPackages } from '../workspace/pack.ts';
import { ROOT, readManifest } from '../workspace/packages.ts';

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
const FORMS = {
  'app.cjs': `const { App, Stack } = require('aws-cdk-lib');
const { Template } = require('aws-cdk-lib/assertions');
const { Repository } = require('aws-cdk-lib/aws-ecr');
const { SociIndexBuilder, SociIndexedImage } = require('${NAME}');${APP}`,
  'app.mjs': `import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { SociIndexBuilder, SociIndexedImage } from '${NAME}';${APP}`,
};

const folder = mkdtempSync(join(tmpdir(), 'soci-synthesised-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const { unit, tarball } = packPackages().find(({ unit }) => unit.name === NAME) ?? fail(`${NAME} is not published`);
const ranges = unit.manifest.peerDependencies ?? {};
const lowest = PEERS.map((peer) => `${peer}@${(ranges[peer] ?? '').replace(/^\^/, '')}`);
const pinned = PEERS.map((peer) => `${peer}@${readManifest(join(ROOT, unit.folder, 'node_modules', peer)).version}`);
for (const peers of [lowest, pinned]) report(`templates with ${peers.join(', ')}`, problemsWith(peers));
report(
  'examples',
  readdirSync(EXAMPLES, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? runExample(entry.name) : [],
  ),
);

function problemsWith(peers: readonly string[]): string[] {
  const app = mkdtempSync(join(folder, 'app-'));
  writeFileSync(join(app, 'package.json'), '{ "private": true }\n');
  run(app, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball, ...peers]);
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
function runExample(name: string): string[] {
  const app = mkdtempSync(join(folder, 'example-'));
  cpSync(join(EXAMPLES, name), app, { recursive: true });
  run(app, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball, ...pinned]);
  const { app: command } = JSON.parse(readFileSync(join(app, 'cdk.json'), 'utf8')) as { app: string };
  const [, ...args] = command.split(' ');
  const env = { CDK_OUTDIR: join(app, 'cdk.out') };
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: app, env, encoding: 'utf8' });
  if (status !== 0) return [`${name} ended with ${status}: ${stderr}`];
  const templates = readdirSync(join(app, 'cdk.out')).filter((file) => file.endsWith('.template.json'));
  return templates.length > 0 ? [] : [`${name} has made no template`];
}

function run(cwd: string, command: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}

function fail(message: string): never {
  throw new Error(message);
}

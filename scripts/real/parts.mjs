// The programs that the tests of real registries start, where each comes from, and how it is got.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, StepError } from '../run-step.mjs';
import { ROOT } from '../setup.mjs';

/** @typedef {{ name: string, debian: string } | { name: string, module: string, version: string } | { name: string, sources: string }} Part */

/** @type {readonly Part[]} */
const PARTS = [
  { name: 'docker-registry', debian: 'docker-registry' },
  { name: 'skopeo', debian: 'skopeo' },
  { name: 'openssl', debian: 'openssl' },
  { name: 'crane', module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  { name: 'oras', module: 'oras.land/oras/cmd/oras', version: 'v1.3.6' },
  { name: 'referrers-registry', sources: 'conformance/registries/referrers-registry' },
  // Last, as it takes minutes.
  { name: 'registry', module: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2' },
];

/** Programs that Go builds, each in a folder that says its version. */
const CACHE = join(ROOT, '.cache', 'real');

const NEEDS_GO = 'Go 1.26 or newer (https://go.dev/dl)';

/**
 * Gets every part that is not there yet: packages of Debian by apt-get, for root; the others by Go.
 *
 * @returns {Promise<{ parts: Record<string, string>, absent: string[] }>} where each program is; and of those that are
 * not to be had, what to do
 */
export async function getParts() {
  await installDebianPackages(PARTS.filter((part) => 'debian' in part && findOnPath(part.name) === undefined));
  const parts = {};
  const absent = [];
  for (const part of PARTS) {
    const path = 'debian' in part ? findOnPath(part.name) : await buildWithGo(part);
    if (path !== undefined) parts[part.name] = path;
    else absent.push(`${part.name} is absent. ${remedy(part)}`);
  }
  return { parts, absent };
}

/** Asks for them together; what fails is seen when they are looked for. */
async function installDebianPackages(parts) {
  if (parts.length === 0 || process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) return;
  const packages = parts.map(({ debian }) => debian);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const retries = ['-o', 'Acquire::Retries=3'];
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...retries, ...packages];
  await succeeds('reading lists of Debian packages', 'apt-get', ['update', '-qq', ...retries], env);
  await succeeds(`installing ${packages.join(', ')}`, 'apt-get', install, env);
}

/** Where the program is, built if it must be; undefined where it cannot. */
async function buildWithGo({ name, module, version, sources }) {
  const folder = join(CACHE, version === undefined ? name : `${name}-${version}`);
  const path = join(folder, name);
  const isKept = isExecutable(path);
  if (isKept && (version !== undefined || !hasGo())) return path;
  if (!hasGo()) return undefined;
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOBIN: folder, GOFLAGS: '-trimpath -buildvcs=false' };
  const args =
    sources === undefined ? ['install', `${module}@${version}`] : ['build', '-C', join(ROOT, sources), '-o', path, '.'];
  const isBuilt = await succeeds(['building', name, version].filter(Boolean).join(' '), 'go', args, env);
  return isBuilt && isExecutable(path) ? path : undefined;
}

function hasGo() {
  return spawnSync('go', ['version']).error === undefined;
}

/** A step whose failure, which it has shown, is no end. */
async function succeeds(label, command, args, env) {
  try {
    await runStep(label, command, args, env);
    return true;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return false;
  }
}

function remedy({ debian, module, version, sources }) {
  if (debian !== undefined) return `Debian: apt-get install ${debian}, as root; elsewhere: have it on PATH.`;
  if (sources !== undefined) return `It is built from ${sources} by ${NEEDS_GO} with access to its modules.`;
  return `It is built by ${NEEDS_GO} with access to its modules: go install ${module}@${version}.`;
}

function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

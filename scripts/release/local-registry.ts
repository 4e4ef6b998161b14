import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../setup.mjs';
import { run } from './steps.ts';

/** The npm registry of the dry run, at the version that runs on Node 20 too. */
const VERDACCIO = '6.8.0';
/** Verdaccio names a version of this dependency by a tag, which mirrors of the npm registry may not have. */
const OVERRIDES = { 'node-fetch': '2.7.0' };

const START_TIMEOUT = 120_000;

/** An npm registry on loopback. It has only what is published to it, and asks no other registry. */
export interface LocalRegistry {
  /** Address, with a slash at its end. */
  readonly url: string;
  /** Lines of an .npmrc with which npm publishes and installs the packages of this scope here, and all others as configured. */
  readonly npmrc: string;
  readonly stop: () => Promise<void>;
}

/** Installs programs from npm once, into `.cache`, and returns their node_modules folder. Runs no install script. */
export async function cachedTools(name: string, packages: readonly string[], overrides = {}): Promise<string> {
  const folder = join(ROOT, '.cache', name);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.part`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, 'package.json'), JSON.stringify({ private: true, overrides }));
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...options, ...packages], { cwd: unfinished });
    renameSync(unfinished, folder);
  }
  return join(folder, 'node_modules');
}

/** Installs the registry, which {@link startLocalRegistry} starts. */
export function installLocalRegistry(): Promise<string> {
  return cachedTools(`verdaccio-${VERDACCIO}`, [`verdaccio@${VERDACCIO}`], OVERRIDES);
}

/**
 * Starts an empty registry whose files are in `folder`.
 *
 * @param scope - Scope of the packages that it has, such as `@soci`.
 */
export async function startLocalRegistry(folder: string, scope: string): Promise<LocalRegistry> {
  const program = join(await installLocalRegistry(), 'verdaccio', 'bin', 'verdaccio');
  const port = await findFreePort();
  const config = {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$all' } },
    max_body_size: '100mb',
    web: { enable: false },
    log: { type: 'stdout', format: 'pretty', level: 'warn' },
  };
  mkdirSync(folder, { recursive: true });
  // JSON is valid YAML.
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const args = [program, '--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
  const stopped = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  process.on('exit', () => child.kill());
  const url = `http://127.0.0.1:${port}/`;
  const isReady = () =>
    fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (const deadline = Date.now() + START_TIMEOUT; !(await isReady()); await sleep(100)) {
    if (child.exitCode === null && Date.now() < deadline) continue;
    child.kill();
    throw new Error(`the local npm registry does not start:\n${log}`);
  }
  return {
    url,
    npmrc: `${scope}:registry=${url}\n${url.replace('http:', '')}:_authToken=anonymous\n`,
    stop: () => {
      child.kill();
      return stopped;
    },
  };
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

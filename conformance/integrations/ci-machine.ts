import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { inject } from 'vitest';
import { findOnPath } from '../tools/get-tools.mjs';

/** Root folder of the repository. */
export const ROOT: string = join(import.meta.dirname, '..', '..');

/** A machine of a CI system: an empty home folder with a login to a registry, and programs. */
export interface CiMachine {
  readonly registry: TestRegistry;
  /** The image to index, in {@link registry}. */
  readonly image: string;
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a registry that requires a login and has an image, and prepares a home folder with that login, as
 * `docker login` writes it.
 *
 * @param folder - Empty folder.
 * @param layout - Name of the golden image.
 */
export async function startCiMachine(folder: string, layout = 'multi'): Promise<CiMachine> {
  const credentials = { username: 'ci', password: 'se cret"$(id)' };
  const registry = await startTestRegistry({ auth: credentials, autoCreate: true });
  await registry.loadLayout('team/app', goldenLayoutPath(layout), 'v1');
  const home = join(folder, 'home');
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  mkdirSync(join(home, '.docker'), { recursive: true });
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  return {
    registry,
    image: `${registry.host}/team/app:v1`,
    env: {
      HOME: home,
      PATH: `${makeNodeFolder(join(folder, 'bin'))}:/usr/local/bin:/usr/bin:/bin`,
      npm_config_userconfig: inject('npmrc'),
      npm_config_cache: join(folder, 'npm-cache'),
    },
  };
}

/** Returns the digest that a tag of `team/app` refers to, or undefined. */
export async function digestOfTag({ registry, env }: CiMachine, tag: string): Promise<string | undefined> {
  const config = JSON.parse(readFileSync(join(env.HOME, '.docker', 'config.json'), 'utf8')) as {
    readonly auths: Readonly<Record<string, { readonly auth: string }>>;
  };
  const response = await fetch(`${registry.url}/v2/team/app/manifests/${tag}`, {
    method: 'HEAD',
    headers: {
      accept: 'application/vnd.oci.image.index.v1+json',
      authorization: `Basic ${config.auths[registry.host].auth}`,
    },
  });
  return response.ok ? (response.headers.get('docker-content-digest') ?? undefined) : undefined;
}

/** Fills a folder with the Node of the tests, and the npm of this machine. */
function makeNodeFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(process.execPath, join(folder, 'node'));
  for (const name of ['npm', 'npx']) symlinkSync(findOnPath(name) ?? dirname(process.execPath), join(folder, name));
  return folder;
}

import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { dockerCredentials } from './docker-credentials.ts';

const HOST = 'registry.example';
const auths = (password: string) => ({
  auths: { [HOST]: { auth: Buffer.from(`joe:${password}`).toString('base64') } },
});

describe('dockerCredentials', () => {
  let folder: HomeFolder;
  beforeEach(async () => {
    folder = await createHomeFolder();
  });
  afterEach(() => folder.remove());

  const find = async (env: Record<string, string> = {}, authFile?: string) => {
    const provider = dockerCredentials({
      env: { ...folder.env, ...env },
      ...(authFile === undefined ? {} : { authFile }),
    });
    const found = await provider(HOST);
    return found?.kind === 'password' ? found.password : found;
  };

  it('reads the files in order of precedence', async () => {
    const runtime = { XDG_RUNTIME_DIR: `${folder.path}/run` };
    expect(await find(runtime)).toBeUndefined();
    await folder.write('.config/containers/auth.json', auths('settings'));
    expect(await find(runtime)).toBe('settings');
    await folder.write('run/containers/auth.json', auths('runtime'));
    expect(await find(runtime)).toBe('runtime');
    await folder.write('.docker/config.json', auths('docker'));
    expect(await find(runtime)).toBe('docker');
    await folder.write('.docker/config.json', { auths: { 'other.example': { auth: 'eDp5' } } });
    expect(await find(runtime)).toBe('runtime');
  });

  it('respects DOCKER_CONFIG and XDG_CONFIG_HOME', async () => {
    await folder.write('.docker/config.json', auths('home'));
    await folder.write('elsewhere/config.json', auths('named'));
    expect(await find({ DOCKER_CONFIG: `${folder.path}/elsewhere` })).toBe('named');
    await folder.write('xdg/containers/auth.json', auths('xdg'));
    expect(await find({ DOCKER_CONFIG: `${folder.path}/none`, XDG_CONFIG_HOME: `${folder.path}/xdg` })).toBe('xdg');
  });

  it('reads only REGISTRY_AUTH_FILE if it is set, and prefers an explicit file', async () => {
    await folder.write('.docker/config.json', auths('docker'));
    const named = await folder.write('named.json', auths('named'));
    const explicit = await folder.write('explicit.json', auths('explicit'));
    expect(await find({ REGISTRY_AUTH_FILE: named })).toBe('named');
    expect(await find({ REGISTRY_AUTH_FILE: `${folder.path}/none` })).toBeUndefined();
    expect(await find({ REGISTRY_AUTH_FILE: named }, explicit)).toBe('explicit');
  });

  it('rejects an explicit file that is missing, unreadable or too large', async () => {
    expect((await catchError(find({}, `${folder.path}/none`))).message).toContain(
      `${folder.path}/none: the file does not exist`,
    );
    expect((await catchError(find({}, folder.path))).code).toBe('CREDENTIALS_INVALID');
    const large = await folder.write('large.json', ' '.repeat((1 << 20) + 1));
    expect((await catchError(find({}, large))).code).toBe('LIMIT_EXCEEDED');
  });

  it('works without a home folder', async () => {
    expect(await dockerCredentials({ env: {} })(HOST)).toBeUndefined();
  });

  it('prefers the helper of the registry to the default one, and falls back to the file', async () => {
    await folder.writeHelper('own', `echo '{"Username":"joe","Secret":"own"}'`);
    await folder.writeHelper('all', `echo '{"Username":"joe","Secret":"all"}'`);
    await folder.writeHelper('none', 'echo credentials not found in native keychain; exit 1');
    await folder.write('.docker/config.json', { ...auths('file'), credsStore: 'all', credHelpers: { [HOST]: 'own' } });
    expect(await find()).toBe('own');
    await folder.write('.docker/config.json', { ...auths('file'), credsStore: 'all' });
    expect(await find()).toBe('all');
    await folder.write('.docker/config.json', { ...auths('file'), credsStore: 'none' });
    expect(await find()).toBe('file');
  });

  it.each([
    ['is missing', undefined, /cannot run docker-credential-broken for registry.example: install it/],
    [
      'fails',
      'echo "no active account" >&2; exit 1',
      /failed for registry.example \(exit code 1\): no active account\./,
    ],
    ['prints something else', 'echo hello', /returned invalid output/],
  ])('warns once if a helper %s, and uses the next source, or none', async (_title, script, message) => {
    if (script !== undefined) await folder.writeHelper('broken', script);
    const warnings: string[] = [];
    const provider = dockerCredentials({ env: folder.env, onWarning: (warning) => warnings.push(warning) });
    await folder.write('.docker/config.json', { credsStore: 'broken' });
    expect(await provider(HOST)).toBeUndefined();
    await folder.write('.docker/config.json', { credHelpers: { [HOST]: 'broken' } });
    expect(await provider(HOST)).toBeUndefined();
    await folder.write('.config/containers/auth.json', auths('podman'));
    expect(await provider(HOST)).toMatchObject({ password: 'podman' });
    await folder.write('.docker/config.json', { ...auths('file'), credsStore: 'broken' });
    expect(await provider(HOST)).toMatchObject({ password: 'file' });
    expect(warnings).toEqual([expect.stringMatching(message)]);
  });

  it('passes the name that docker uses for Docker Hub to helpers', async () => {
    await folder.writeHelper('echo', `echo "{\\"Username\\":\\"joe\\",\\"Secret\\":\\"$(cat)\\"}"`);
    await folder.write('.docker/config.json', { credHelpers: { 'docker.io': 'echo' } });
    const provider = dockerCredentials({ env: folder.env });
    expect(await provider('registry-1.docker.io')).toMatchObject({ password: 'https://index.docker.io/v1/' });
    expect(await provider('other.example')).toBeUndefined();
  });

  it('rejects with the reason of the signal', async () => {
    await folder.write('.docker/config.json', auths('docker'));
    const reason = new Error('aborted');
    const find = dockerCredentials({ env: folder.env })(HOST, { signal: AbortSignal.abort(reason) });
    await expect(find).rejects.toBe(reason);
  });
});

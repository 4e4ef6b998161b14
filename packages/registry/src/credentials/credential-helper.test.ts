import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { everythingIn } from '@soci/test-content';
import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catchError } from '../fixtures/catch-error.ts';
import { getHelperCredentials } from './credential-helper.ts';

describe('getHelperCredentials', () => {
  let folder: HomeFolder;
  beforeAll(async () => {
    folder = await createHomeFolder();
  });
  afterAll(() => folder.remove());

  const get = (name: string, options: { timeout?: number; signal?: AbortSignal } = {}) =>
    getHelperCredentials(name, 'registry.example', { env: folder.env, ...options });

  it('runs docker-credential-NAME get with the registry on standard input', async () => {
    await folder.writeHelper(
      'good',
      `echo "$1 $(cat)" > ${folder.path}/seen; echo '{"ServerURL":"x","Username":"joe","Secret":"s3cret"}'`,
    );
    expect(await get('good')).toEqual({ kind: 'password', username: 'joe', password: 's3cret' });
    expect(await readFile(join(folder.path, 'seen'), 'utf8')).toBe('get registry.example\n');
  });

  it('returns an identity token for the user name <token>', async () => {
    await folder.writeHelper('token', `echo '{"Username":"<token>","Secret":"refresh"}'`);
    expect(await get('token')).toEqual({ kind: 'identity-token', token: 'refresh' });
  });

  it('returns undefined if the helper has no credentials', async () => {
    await folder.writeHelper('empty', 'echo credentials not found in native keychain; exit 1');
    expect(await get('empty')).toBeUndefined();
  });

  it.each(['../../bin/evil', 'a/b', 'a b', 'a;b', '$(x)', '', '-x', 'x'.repeat(65)])(
    'rejects the helper name %j',
    async (name) => {
      expect((await catchError(get(name))).code).toBe('CREDENTIALS_INVALID');
    },
  );

  it('reports the message of a failed helper', async () => {
    await folder.writeHelper('failing', 'echo the keychain is locked; echo more; exit 3');
    const error = await catchError(get('failing'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(error.message).toBe(
      'docker-credential-failing failed for registry.example (exit code 3): the keychain is locked',
    );
  });

  it('prefers the standard error of a failed helper, with escaped control characters', async () => {
    await folder.writeHelper('failing', "echo output; printf 'no \\033[31maccount\\r\\nmore' >&2; exit 1");
    const error = await catchError(get('failing'));
    expect(error.message).toBe(
      'docker-credential-failing failed for registry.example (exit code 1): no \\x1b[31maccount',
    );
  });

  it('ignores the standard error of a helper that succeeds', async () => {
    await folder.writeHelper('chatty', `echo update available >&2; echo '{"Username":"joe","Secret":"s3cret"}'`);
    expect(await get('chatty')).toMatchObject({ password: 's3cret' });
  });

  it('reports that a helper is not installed', async () => {
    const error = await catchError(get('absent'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(error.message).toMatch(/cannot run docker-credential-absent .*install it/);
  });

  it.each([
    ['fails and prints credentials', `echo '{"Username":"joe","Secret":"s3cret"}'; exit 1`],
    ['prints something else', 'echo s3cret'],
    ['prints no user name', `echo '{"Secret":"s3cret"}'`],
    ['prints null', 'echo null'],
    ['prints credentials to standard error', `echo '{"Secret":"s3cret"}' >&2; exit 1`],
  ])('does not quote secrets if a helper %s', async (_what, script) => {
    await folder.writeHelper('leaky', script);
    const error = await catchError(get('leaky'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('kills a helper that prints too much', async () => {
    await folder.writeHelper('endless', 'exec yes');
    const error = await catchError(get('endless'));
    expect(error.code).toBe('LIMIT_EXCEEDED');
    expect(error.message).toContain('more than 65536 bytes');
  });

  it('kills a helper at the timeout, even if its child process keeps running', async () => {
    await folder.writeHelper('slow', 'sleep 3 & sleep 3');
    expect((await catchError(get('slow', { timeout: 100 }))).code).toBe('STALLED');
  });

  it('rejects with the reason of the signal', async () => {
    await folder.writeHelper('slow', 'exec sleep 3');
    const reason = new Error('aborted');
    const controller = new AbortController();
    const credentials = get('slow', { signal: controller.signal });
    controller.abort(reason);
    await expect(credentials).rejects.toBe(reason);
  });
});

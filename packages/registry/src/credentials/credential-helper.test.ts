import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { everythingIn } from '@soci/test-content';
import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caught } from '../fixtures/caught.ts';
import { getHelperCredentials } from './credential-helper.ts';

describe('getHelperCredentials', () => {
  let folder: HomeFolder;
  beforeAll(async () => {
    folder = await createHomeFolder();
  });
  afterAll(() => folder.remove());

  const ask = (name: string, options: { timeout?: number; signal?: AbortSignal } = {}) =>
    getHelperCredentials(name, 'registry.example', { env: folder.env, ...options });

  it('starts docker-credential-NAME get with the registry on its standard input', async () => {
    await folder.writeHelper(
      'good',
      `echo "$1 $(cat)" > ${folder.path}/seen; echo '{"ServerURL":"x","Username":"joe","Secret":"s3cret"}'`,
    );
    expect(await ask('good')).toEqual({ kind: 'password', username: 'joe', password: 's3cret' });
    expect(await readFile(join(folder.path, 'seen'), 'utf8')).toBe('get registry.example\n');
  });

  it('takes the secret of the user <token> for an identity token', async () => {
    await folder.writeHelper('token', `echo '{"Username":"<token>","Secret":"refresh"}'`);
    expect(await ask('token')).toEqual({ kind: 'identity-token', token: 'refresh' });
  });

  it('has nothing where the helper says so', async () => {
    await folder.writeHelper('empty', 'echo credentials not found in native keychain; exit 1');
    expect(await ask('empty')).toBeUndefined();
  });

  it.each(['../../bin/evil', 'a/b', 'a b', 'a;b', '$(x)', '', '-x', 'x'.repeat(65)])(
    'starts nothing by the name %j',
    async (name) => {
      expect((await caught(ask(name))).code).toBe('CREDENTIALS_INVALID');
    },
  );

  it('says how a helper failed, in its own words', async () => {
    await folder.writeHelper('failing', 'echo the keychain is locked; echo more; exit 3');
    const error = await caught(ask('failing'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(error.message).toBe(
      'docker-credential-failing failed for registry.example with exit code 3: the keychain is locked',
    );
  });

  it('says that a helper is not installed', async () => {
    const error = await caught(ask('absent'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(error.message).toMatch(/docker-credential-absent cannot be started.*install it/);
  });

  it.each([
    ['fails with credentials in its mouth', `echo '{"Username":"joe","Secret":"s3cret"}'; exit 1`],
    ['answers something else', 'echo s3cret'],
    ['answers without a name', `echo '{"Secret":"s3cret"}'`],
    ['answers null', 'echo null'],
    ['complains aloud', 'echo s3cret >&2; exit 1'],
  ])('tells no secret where a helper %s', async (_what, script) => {
    await folder.writeHelper('leaky', script);
    const error = await caught(ask('leaky'));
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('ends a helper that never stops talking', async () => {
    await folder.writeHelper('endless', 'exec yes');
    const error = await caught(ask('endless'));
    expect(error.code).toBe('LIMIT_EXCEEDED');
    expect(error.message).toContain('more than 65536 bytes');
  });

  it('ends a helper that does not answer, even where what it started holds on', async () => {
    await folder.writeHelper('slow', 'sleep 3 & sleep 3');
    expect((await caught(ask('slow', { timeout: 100 }))).code).toBe('STALLED');
  });

  it('ends with the reason of the signal', async () => {
    await folder.writeHelper('slow', 'exec sleep 3');
    const reason = new Error('enough');
    const controller = new AbortController();
    const answer = ask('slow', { signal: controller.signal });
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });
});

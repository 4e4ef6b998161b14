import { describe, expect, it } from 'vitest';
import { staticCredentials } from './credentials.ts';

describe('staticCredentials', () => {
  it('gives the same to all', async () => {
    const expected = { kind: 'password', username: 'joe', password: 'p' };
    expect(await staticCredentials('joe', 'p')('registry.example')).toEqual(expected);
  });
});

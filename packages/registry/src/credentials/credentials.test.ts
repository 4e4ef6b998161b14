import { describe, expect, it } from 'vitest';
import { staticCredentials } from './credentials.ts';

describe('staticCredentials', () => {
  it('returns the same credentials for every host', async () => {
    const expected = { kind: 'password', username: 'joe', password: 'p' };
    expect(await staticCredentials('joe', 'p')('registry.example')).toEqual(expected);
  });
});

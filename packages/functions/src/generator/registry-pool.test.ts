import { expect, it } from 'vitest';
import { RegistryPool } from './registry-pool.ts';

const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MEMBER = { account: '111122223333', region: 'eu-west-1' };

it('opens the registry of the account', () => {
  const pool = new RegistryPool({ registryHost: undefined, fips: false, dualStack: false }, LOG);
  const hosts = [{ ...MEMBER, account: '123456789012' }, MEMBER].map((location) => pool.open(location, 'app').host);
  expect(hosts).toEqual([
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    '111122223333.dkr.ecr.eu-west-1.amazonaws.com',
  ]);
});

it('opens the host of a proxy for all accounts', () => {
  const pool = new RegistryPool({ registryHost: 'proxy.example', fips: false, dualStack: false }, LOG);
  expect(pool.open(MEMBER, 'app').host).toBe('proxy.example');
});

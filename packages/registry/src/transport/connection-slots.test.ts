import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import { caught } from '../fixtures/caught.ts';
import { ConnectionSlots } from './connection-slots.ts';

const HOST = 'https://registry.test';

/** Slots, and the names of what was let through, in its order. */
function openSlots(most: number) {
  const slots = new ConnectionSlots(most);
  const begun: string[] = [];
  const releases = new Map<string, () => void>();
  const take = async (name: string, streamsResponse = false, host = HOST, signal?: AbortSignal) => {
    releases.set(name, await slots.acquire(host, streamsResponse, signal));
    begun.push(name);
  };
  const release = async (name: string) => {
    releases.get(name)?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { slots, begun, take, release };
}

describe('connections to a host', () => {
  test('are given in the order of asking', async () => {
    const { begun, take, release } = openSlots(2);
    await Promise.all([take('a'), take('b')]);
    const others = [take('c'), take('d')];
    await release('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await release('a');
    await Promise.all(others);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  test('are not all given to bodies that wait for their receivers', async () => {
    const { begun, take, release } = openSlots(3);
    await Promise.all([take('body 1', true), take('body 2', true)]);
    void take('body 3', true);
    await take('request 1');
    const second = take('request 2');
    expect(begun).toEqual(['body 1', 'body 2', 'request 1']);
    await release('request 1');
    await second;
    expect(begun.at(-1)).toBe('request 2');
    await release('body 1');
    expect(begun.at(-1)).toBe('body 3');
  });

  test('are counted for each host', async () => {
    const { begun, take } = openSlots(2);
    await Promise.all([take('a'), take('b'), take('c', false, 'https://storage.test')]);
    expect(begun).toEqual(['a', 'b', 'c']);
  });
});

describe('who waits', () => {
  test('leaves with the signal, and is passed over', async () => {
    const { begun, take, release } = openSlots(2);
    await Promise.all([take('a'), take('b')]);
    const abort = new AbortController();
    const given = take('given up', false, HOST, abort.signal);
    const last = take('c');
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await release('a');
    await last;
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  test('is told that all is closed', async () => {
    const { slots, take } = openSlots(2);
    await Promise.all([take('a'), take('b')]);
    const waiting = [take('c'), take('d', true)].map(caught);
    slots.close(new RegistryError('CLOSED', 'closed'));
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'CLOSED' }, { code: 'CLOSED' }]);
  });
});

import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import { catchError } from '../fixtures/catch-error.ts';
import { ConnectionSlots } from './connection-slots.ts';

const HOST = 'https://registry.test';

/** Creates slots, and records the names of started requests in order. */
function openSlots(limit: number) {
  const slots = new ConnectionSlots(limit);
  const started: string[] = [];
  const releases = new Map<string, () => void>();
  const acquire = async (name: string, streamsResponse = false, host = HOST, signal?: AbortSignal) => {
    releases.set(name, await slots.acquire(host, streamsResponse, signal));
    started.push(name);
  };
  const release = async (name: string) => {
    releases.get(name)?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { slots, started, acquire, release };
}

describe('connections to a host', () => {
  test('are assigned in order of request', async () => {
    const { started, acquire, release } = openSlots(2);
    await Promise.all([acquire('a'), acquire('b')]);
    const others = [acquire('c'), acquire('d')];
    await release('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await release('a');
    await Promise.all(others);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  test('are not all assigned to streaming requests', async () => {
    const { started, acquire, release } = openSlots(3);
    await Promise.all([acquire('body 1', true), acquire('body 2', true)]);
    void acquire('body 3', true);
    await acquire('request 1');
    const second = acquire('request 2');
    expect(started).toEqual(['body 1', 'body 2', 'request 1']);
    await release('request 1');
    await second;
    expect(started.at(-1)).toBe('request 2');
    await release('body 1');
    expect(started.at(-1)).toBe('body 3');
  });

  test('are counted per host', async () => {
    const { started, acquire } = openSlots(2);
    await Promise.all([acquire('a'), acquire('b'), acquire('c', false, 'https://storage.test')]);
    expect(started).toEqual(['a', 'b', 'c']);
  });
});

describe('a waiting request', () => {
  test('is removed when its signal is aborted', async () => {
    const { started, acquire, release } = openSlots(2);
    await Promise.all([acquire('a'), acquire('b')]);
    const abort = new AbortController();
    const aborting = acquire('aborted', false, HOST, abort.signal);
    const last = acquire('c');
    abort.abort(new Error('aborted'));
    await expect(aborting).rejects.toThrow('aborted');
    await release('a');
    await last;
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test('is rejected on close', async () => {
    const { slots, acquire } = openSlots(2);
    await Promise.all([acquire('a'), acquire('b')]);
    const waiting = [acquire('c'), acquire('d', true)].map(catchError);
    slots.close(new RegistryError('CLOSED', 'closed'));
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'CLOSED' }, { code: 'CLOSED' }]);
  });
});

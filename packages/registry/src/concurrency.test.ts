import { describe, expect, it } from 'vitest';
import { SharedCalls } from './concurrency.ts';

/** Creates a call that the test settles. */
function createCall() {
  const signals: AbortSignal[] = [];
  let end: { resolve: (value: string) => void; reject: (error: Error) => void } | undefined;
  const promise = new Promise<string>((resolve, reject) => {
    end = { resolve, reject };
  });
  const call = (signal: AbortSignal) => {
    signals.push(signal);
    return promise;
  };
  return {
    call,
    resolve: (value: string) => end?.resolve(value),
    reject: (error: Error) => end?.reject(error),
    signals,
  };
}

describe('SharedCalls', () => {
  it('shares a running call between concurrent callers of the same key', async () => {
    const calls = new SharedCalls<string>();
    const { call, resolve, signals } = createCall();
    const results = [calls.run('a', call), calls.run('a', call), calls.run('b', call)];
    resolve('done');
    expect(await Promise.all(results)).toEqual(['done', 'done', 'done']);
    expect(signals).toHaveLength(2);
    await calls.run('a', call);
    expect(signals).toHaveLength(3);
  });

  it('rejects all callers of a failed call, and starts a new call afterwards', async () => {
    const calls = new SharedCalls<string>();
    const { call, reject } = createCall();
    const results = [calls.run('a', call), calls.run('a', call)];
    reject(new Error('broken'));
    for (const result of await Promise.allSettled(results))
      expect(result).toMatchObject({ reason: { message: 'broken' } });
    expect(await calls.run('a', async () => 'repaired')).toBe('repaired');
  });

  it('rejects an aborted caller while others keep waiting', async () => {
    const calls = new SharedCalls<string>();
    const { call, resolve, signals } = createCall();
    const controller = new AbortController();
    const aborting = calls.run('a', call, { signal: controller.signal });
    const waiting = calls.run('a', call);
    controller.abort(new Error('aborted'));
    await expect(aborting).rejects.toThrow('aborted');
    expect(signals[0]?.aborted).toBe(false);
    resolve('done');
    expect(await waiting).toBe('done');
  });

  it('aborts the call when all callers have aborted, and does not share it any more', async () => {
    const calls = new SharedCalls<string>();
    const { call, reject, signals } = createCall();
    const controller = new AbortController();
    const aborting = calls.run('a', call, { signal: controller.signal });
    controller.abort(new Error('aborted'));
    await expect(aborting).rejects.toThrow('aborted');
    expect(signals[0]?.aborted).toBe(true);
    expect(await calls.run('a', async () => 'new')).toBe('new');
    reject(new Error('unhandled'));
  });

  it('starts no call for an aborted signal', async () => {
    const { call, signals } = createCall();
    const signal = AbortSignal.abort(new Error('before'));
    await expect(new SharedCalls<string>().run('a', call, { signal })).rejects.toThrow('before');
    expect(signals).toEqual([]);
  });
});

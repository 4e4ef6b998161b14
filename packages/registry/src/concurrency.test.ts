import { describe, expect, it } from 'vitest';
import { SharedCalls } from './concurrency.ts';

/** A call that ends when it is told to. */
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
  it('runs one call for all who want the same at the same time, and another for those after', async () => {
    const calls = new SharedCalls<string>();
    const { call, resolve, signals } = createCall();
    const results = [calls.run('a', call), calls.run('a', call), calls.run('b', call)];
    resolve('done');
    expect(await Promise.all(results)).toEqual(['done', 'done', 'done']);
    expect(signals).toHaveLength(2);
    await calls.run('a', call);
    expect(signals).toHaveLength(3);
  });

  it('tells all of a failure, and tries anew for those after', async () => {
    const calls = new SharedCalls<string>();
    const { call, reject } = createCall();
    const results = [calls.run('a', call), calls.run('a', call)];
    reject(new Error('broken'));
    for (const result of await Promise.allSettled(results))
      expect(result).toMatchObject({ reason: { message: 'broken' } });
    expect(await calls.run('a', async () => 'mended')).toBe('mended');
  });

  it('lets one go by its signal while others wait', async () => {
    const calls = new SharedCalls<string>();
    const { call, resolve, signals } = createCall();
    const controller = new AbortController();
    const gone = calls.run('a', call, { signal: controller.signal });
    const staying = calls.run('a', call);
    controller.abort(new Error('enough'));
    await expect(gone).rejects.toThrow('enough');
    expect(signals[0]?.aborted).toBe(false);
    resolve('done');
    expect(await staying).toBe('done');
  });

  it('aborts the call when the last has gone, and nobody joins it any more', async () => {
    const calls = new SharedCalls<string>();
    const { call, reject, signals } = createCall();
    const controller = new AbortController();
    const gone = calls.run('a', call, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(gone).rejects.toThrow('enough');
    expect(signals[0]?.aborted).toBe(true);
    expect(await calls.run('a', async () => 'new')).toBe('new');
    reject(new Error('heard by nobody'));
  });

  it('starts nothing for a signal that is aborted', async () => {
    const { call, signals } = createCall();
    const signal = AbortSignal.abort(new Error('before'));
    await expect(new SharedCalls<string>().run('a', call, { signal })).rejects.toThrow('before');
    expect(signals).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import type { RetryOptions } from '../options.ts';
import { isTransient, Retries, realTiming, type Timing } from './retry.ts';

const NOW = Date.UTC(2026, 0, 1);
const busy = new RegistryError('RATE_LIMITED', 'busy', { status: 429 });

/** Time that stands still, and how long it was waited. */
function stillTiming(random: number): Timing & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => NOW,
    random: () => random,
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
    },
  };
}

async function exhaust(policy: RetryOptions, random: number, retryAfter?: string) {
  const timing = stillTiming(random);
  const retries = new Retries({ policy, timing });
  const failure = await (async () => {
    for (;;) await retries.next(busy, retryAfter);
  })().catch((error: unknown) => error as RegistryError);
  return { failure, waits: timing.waits, attempt: retries.attempt };
}

describe('the waits between attempts', () => {
  test('may double each time up to the longest, and are half of that at least', async () => {
    const policy = { maxAttempts: 6, baseDelay: 100, maxDelay: 1000 };
    expect((await exhaust(policy, 0)).waits).toEqual([50, 100, 200, 400, 500]);
    expect((await exhaust(policy, 0.999_999)).waits.map(Math.round)).toEqual([100, 200, 400, 800, 1000]);
  });

  test.each([
    ['2', 2050],
    ['0', 50],
    ['99999999999', 30_000],
    [new Date(NOW + 5000).toUTCString(), 5050],
    [new Date(NOW - 5000).toUTCString(), 50],
    ['soon', 50],
    ['-1', 50],
    ['1e3', 50],
  ])('Retry-After: %s', async (retryAfter, wait) => {
    expect((await exhaust({ maxAttempts: 2, baseDelay: 100 }, 0, retryAfter)).waits).toEqual([wait]);
  });

  test('end with the signal', async () => {
    const controller = new AbortController();
    const retries = new Retries({ policy: { baseDelay: 60_000, maxDelay: 60_000 }, signal: controller.signal });
    const next = retries.next(busy);
    controller.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await expect(retries.next(busy)).rejects.toThrow('enough');
    await expect(realTiming.wait(60_000, controller.signal)).rejects.toThrow('enough');
  });
});

describe('attempts', () => {
  test('are as many as allowed, and the error says how many', async () => {
    const { failure, waits, attempt } = await exhaust({ maxAttempts: 3 }, 0);
    expect([waits.length, attempt]).toEqual([2, 3]);
    expect(failure).toMatchObject({ code: 'RATE_LIMITED', status: 429, message: 'busy (tried 3 times)' });
  });

  test('one is one', async () => {
    expect((await exhaust({ maxAttempts: 1 }, 0)).failure).toBe(busy);
  });

  test('count from the first again after progress', async () => {
    const retries = new Retries({ policy: { maxAttempts: 2 }, timing: stillTiming(0) });
    for (let i = 0; i < 5; i++) {
      await retries.next(busy);
      retries.reset();
    }
    await retries.next(busy);
    await expect(retries.next(busy)).rejects.toThrow('tried 2 times');
  });

  test.each([
    { maxAttempts: 0 },
    { maxAttempts: 1001 },
    { maxDelay: 2 ** 31 },
    { maxAttempts: 1.5 },
    { maxAttempts: Number.NaN },
    { baseDelay: -1 },
    { maxDelay: Number.POSITIVE_INFINITY },
  ])('%j is no policy', (policy) => {
    expect(() => new Retries({ policy })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

describe('what passes', () => {
  const status = (value: number) => new RegistryError('SERVER_FAILED', '', { status: value });
  const connection = (code: string) =>
    new RegistryError('CONNECTION_FAILED', '', { cause: Object.assign(new Error(), { code }) });

  test.each([408, 429, 500, 502, 503, 504])('status %i', (value) => expect(isTransient(status(value))).toBe(true));

  test.each([400, 401, 403, 404, 405, 416, 501, 505])('not status %i', (value) =>
    expect(isTransient(status(value))).toBe(false),
  );

  test('stalls and connections that break, but not a host that is not there', () => {
    expect(isTransient(new RegistryError('STALLED', ''))).toBe(true);
    expect(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'EAI_AGAIN', 'ETIMEDOUT'].map(connection).every(isTransient)).toBe(
      true,
    );
    expect(isTransient(connection('ENOTFOUND'))).toBe(false);
  });

  test('nothing else', async () => {
    for (const error of [
      new RegistryError('TLS_FAILED', ''),
      new RegistryError('REDIRECT_REFUSED', ''),
      new Error('a bug'),
    ]) {
      await expect(new Retries().next(error)).rejects.toBe(error);
    }
  });
});

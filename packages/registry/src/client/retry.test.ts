import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import type { RetryOptions } from '../options.ts';
import { isTransient, Retries, systemTiming, type Timing } from './retry.ts';

const NOW = Date.UTC(2026, 0, 1);
const busy = new RegistryError('RATE_LIMITED', 'busy', { status: 429 });

/** Returns a clock that stands still, and records the delays. */
function frozenTiming(random: number): Timing & { readonly waits: number[] } {
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
  const timing = frozenTiming(random);
  const retries = new Retries({ policy, timing });
  const failure = await (async () => {
    for (;;) await retries.next(busy, retryAfter);
  })().catch((error: unknown) => error as RegistryError);
  return { failure, waits: timing.waits, attempt: retries.attempt };
}

describe('the delay between attempts', () => {
  test('doubles up to the maximum, with a jitter of up to half of it', async () => {
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

  test('is aborted by the signal', async () => {
    const controller = new AbortController();
    const retries = new Retries({ policy: { baseDelay: 60_000, maxDelay: 60_000 }, signal: controller.signal });
    const next = retries.next(busy);
    controller.abort(new Error('aborted'));
    await expect(next).rejects.toThrow('aborted');
    await expect(retries.next(busy)).rejects.toThrow('aborted');
    await expect(systemTiming.wait(60_000, controller.signal)).rejects.toThrow('aborted');
  });
});

describe('attempts', () => {
  test('stop at maxAttempts, and the error contains their number', async () => {
    const { failure, waits, attempt } = await exhaust({ maxAttempts: 3 }, 0);
    expect([waits.length, attempt]).toEqual([2, 3]);
    expect(failure).toMatchObject({ code: 'RATE_LIMITED', status: 429, message: 'busy (after 3 attempts)' });
  });

  test('add no number to the error if there was only one', async () => {
    expect((await exhaust({ maxAttempts: 1 }, 0)).failure).toBe(busy);
  });

  test('are counted from 1 again after reset', async () => {
    const retries = new Retries({ policy: { maxAttempts: 2 }, timing: frozenTiming(0) });
    for (let i = 0; i < 5; i++) {
      await retries.next(busy);
      retries.reset();
    }
    await retries.next(busy);
    await expect(retries.next(busy)).rejects.toThrow('after 2 attempts');
  });

  test.each([
    { maxAttempts: 0 },
    { maxAttempts: 1001 },
    { maxDelay: 2 ** 31 },
    { maxAttempts: 1.5 },
    { maxAttempts: Number.NaN },
    { baseDelay: -1 },
    { maxDelay: Number.POSITIVE_INFINITY },
  ])('reject the policy %j', (policy) => {
    expect(() => new Retries({ policy })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });
});

describe('isTransient', () => {
  const status = (value: number) => new RegistryError('SERVER_FAILED', '', { status: value });
  const connection = (code: string) =>
    new RegistryError('CONNECTION_FAILED', '', { cause: Object.assign(new Error(), { code }) });

  test.each([408, 429, 500, 502, 503, 504])('is true for status %i', (value) =>
    expect(isTransient(status(value))).toBe(true),
  );

  test.each([400, 401, 403, 404, 405, 416, 501, 505])('is false for status %i', (value) =>
    expect(isTransient(status(value))).toBe(false),
  );

  test('is true for stalls and broken connections, but not for unknown hosts', () => {
    expect(isTransient(new RegistryError('STALLED', ''))).toBe(true);
    expect(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'EAI_AGAIN', 'ETIMEDOUT'].map(connection).every(isTransient)).toBe(
      true,
    );
    expect(isTransient(connection('ENOTFOUND'))).toBe(false);
  });

  test('is false for all other errors', async () => {
    for (const error of [
      new RegistryError('TLS_FAILED', ''),
      new RegistryError('REDIRECT_REFUSED', ''),
      new Error('a bug'),
    ]) {
      await expect(new Retries().next(error)).rejects.toBe(error);
    }
  });
});

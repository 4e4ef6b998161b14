import { smallImage } from '@soci/test-content';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openTestRepository, pushBlobs } from './fixtures/opened-repository.ts';
import { RateLimit } from './rate-limit.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('with a fake clock', () => {
  /** Counts the turns within some seconds, if as many callers wait as possible. */
  async function turnsIn(limit: RateLimit, seconds: number): Promise<number> {
    const controller = new AbortController();
    let turns = 0;
    const queue = Array.from({ length: 100 }, () =>
      limit.acquire({ signal: controller.signal }).then(
        () => {
          turns += 1;
        },
        () => {},
      ),
    );
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    controller.abort();
    await Promise.all(queue);
    return turns;
  }

  test('spaces manifests evenly', async () => {
    vi.useFakeTimers();
    const limit = new RateLimit(5);
    expect(await turnsIn(limit, 2)).toBe(11);
  });

  test('halves the rate once for requests that were under way, and restores it in 30 seconds', async () => {
    vi.useFakeTimers();
    const limit = new RateLimit(8);
    const sentAt = performance.now();
    for (let i = 0; i < 5; i++) limit.reportThrottled(sentAt);
    expect([limit.rate, limit.throttled]).toEqual([4, 5]);
    await vi.advanceTimersByTimeAsync(1);
    limit.reportThrottled(performance.now());
    expect(limit.rate).toBeCloseTo(2);
    expect(await turnsIn(limit, 2)).toBe(4);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(limit.rate).toBe(8);
  });

  test('never stops', () => {
    vi.useFakeTimers();
    const limit = new RateLimit(1);
    for (let i = 0; i < 100; i++) {
      vi.advanceTimersByTime(1);
      limit.reportThrottled(performance.now());
    }
    expect(limit.rate).toBeCloseTo(0.1);
  });

  test('keeps the order of callers, without those that abort', async () => {
    vi.useFakeTimers();
    const limit = new RateLimit(1);
    const order: string[] = [];
    const controller = new AbortController();
    const first = limit.acquire().then(() => order.push('first'));
    const aborted = limit.acquire({ signal: controller.signal });
    const second = limit.acquire().then(() => order.push('second'));
    controller.abort(new Error('stopped'));
    await expect(aborted).rejects.toThrow('stopped');
    await first;
    expect(order).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(1000);
    await second;
    expect(order).toEqual(['first', 'second']);
  });
});

test('rejects a rate that is too low', () => {
  for (const rate of [0, -1, 0.01, Number.NaN]) expect(() => new RateLimit(rate)).toThrow('expected at least 0.1');
});

describe('with a registry', () => {
  /** Pushes manifests as fast as the client allows, with two clients. The registry rejects the first `rejected` ones. */
  async function pushMany(rateLimit: RateLimit, count: number, rejected = 0): Promise<readonly number[]> {
    const { server, repository, reopen } = await openTestRepository({ putRate: 20 });
    const image = await pushBlobs(repository);
    if (rejected > 0) server.inject({ times: rejected, fault: { kind: 'status', status: 429, retryAfter: 0 } });
    const limited = [reopen({ rateLimit, retry: { baseDelay: 20, maxAttempts: 20 } }), reopen({ rateLimit })];
    server.clearRequests();
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        limited[i % 2]?.pushManifest(image.descriptor, image.bytes, { tag: `v${i}` }),
      ),
    );
    expect(server.tags('team/app')).toHaveLength(count);
    return server.requests.map(({ status }) => status);
  }

  test('is not throttled below the limit of the registry, although two clients push at the same time', async () => {
    const limit = new RateLimit(15);
    const statuses = await pushMany(limit, 30);
    expect(statuses).toEqual(Array.from({ length: 30 }, () => 201));
    expect(limit.throttled).toBe(0);
  });

  test('lowers the rate when it is throttled, and pushes everything', async () => {
    const limit = new RateLimit(15);
    const rates: number[] = [];
    const report = limit.reportThrottled.bind(limit);
    vi.spyOn(limit, 'reportThrottled').mockImplementation((sentAt) => {
      report(sentAt);
      rates.push(limit.rate);
    });
    const statuses = await pushMany(limit, 10, 3);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    expect(limit.throttled).toBe(3);
    expect(rates[0]).toBeLessThan(8);
  });

  test('counts responses without a limit', async () => {
    const limit = new RateLimit(Number.POSITIVE_INFINITY);
    const { server, reopen } = await openTestRepository();
    server.inject({ fault: { kind: 'status', status: 429, retryAfter: 0 } });
    const { manifest } = smallImage();
    const repository = reopen({ rateLimit: limit });
    await repository.exists(manifest.descriptor);
    expect([limit.throttled, limit.rate]).toEqual([1, Number.POSITIVE_INFINITY]);
  });
});

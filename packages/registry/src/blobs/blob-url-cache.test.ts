import { describe, expect, test, vi } from 'vitest';
import { BlobUrlCache, MAX_CACHED_URLS } from './blob-url-cache.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const plain = new URL('https://storage.example/blob?signature=secret');

function signed(date: string, seconds: number, vendor = 'Amz'): URL {
  return new URL(`https://storage.example/blob?X-${vendor}-Date=${date}&X-${vendor}-Expires=${seconds}`);
}

describe('BlobUrlCache', () => {
  test('returns the URL of a blob only for its repository', () => {
    const urlCache = new BlobUrlCache();
    urlCache.set('team/app', DIGEST, plain);
    expect(urlCache.get('team/app', DIGEST)).toBe(plain);
    expect(urlCache.get('team/other', DIGEST)).toBeUndefined();
  });

  test('deletes a URL', () => {
    const urlCache = new BlobUrlCache();
    urlCache.set('team/app', DIGEST, plain);
    urlCache.delete('team/app', DIGEST);
    expect(urlCache.get('team/app', DIGEST)).toBeUndefined();
  });

  test('evicts the least recently used URL', () => {
    const urlCache = new BlobUrlCache();
    for (let index = 0; index < MAX_CACHED_URLS; index += 1) urlCache.set(`app${index}`, DIGEST, plain);
    urlCache.get('app0', DIGEST);
    urlCache.set('one-more', DIGEST, plain);
    expect(urlCache.get('app0', DIGEST)).toBe(plain);
    expect(urlCache.get('app1', DIGEST)).toBeUndefined();
    expect(urlCache.get('one-more', DIGEST)).toBe(plain);
  });

  test.each(['Amz', 'Goog'])('drops a URL when it expires: X-%s-Date', (vendor) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 31, 23, 59, 0) });
    try {
      const urlCache = new BlobUrlCache();
      urlCache.set('team/app', DIGEST, signed('20260131T235900Z', 60, vendor));
      vi.setSystemTime(Date.UTC(2026, 0, 31, 23, 59, 50));
      expect(urlCache.get('team/app', DIGEST)).toBeDefined();
      vi.setSystemTime(Date.UTC(2026, 1, 1, 0, 0, 0));
      expect(urlCache.get('team/app', DIGEST)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['an invalid date', signed('yesterday', 60)],
    ['a date alone', new URL('https://storage.example/blob?X-Amz-Date=20200101T000000Z')],
    [
      'an invalid number of seconds',
      new URL('https://storage.example/blob?X-Amz-Date=20200101T000000Z&X-Amz-Expires=1e9'),
    ],
  ])('keeps a URL without a known expiry: %s', (_what, url) => {
    const urlCache = new BlobUrlCache();
    urlCache.set('team/app', DIGEST, url);
    expect(urlCache.get('team/app', DIGEST)).toBe(url);
  });

  test('does not reveal URLs when it is printed', () => {
    const urlCache = new BlobUrlCache();
    urlCache.set('team/app', DIGEST, plain);
    expect(JSON.stringify(urlCache)).not.toContain('secret');
  });
});

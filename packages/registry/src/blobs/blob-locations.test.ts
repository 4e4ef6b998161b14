import { describe, expect, test, vi } from 'vitest';
import { BlobLocations, MAX_BLOB_LOCATIONS } from './blob-locations.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const plain = new URL('https://storage.example/blob?signature=secret');

function signed(date: string, seconds: number, vendor = 'Amz'): URL {
  return new URL(`https://storage.example/blob?X-${vendor}-Date=${date}&X-${vendor}-Expires=${seconds}`);
}

describe('BlobLocations', () => {
  test('remembers where a blob lies, for its repository only', () => {
    const locations = new BlobLocations();
    locations.remember('team/app', DIGEST, plain);
    expect(locations.find('team/app', DIGEST)).toBe(plain);
    expect(locations.find('team/other', DIGEST)).toBeUndefined();
  });

  test('forgets what it is told to', () => {
    const locations = new BlobLocations();
    locations.remember('team/app', DIGEST, plain);
    locations.forget('team/app', DIGEST);
    expect(locations.find('team/app', DIGEST)).toBeUndefined();
  });

  test('forgets the one not asked for the longest where there are too many', () => {
    const locations = new BlobLocations();
    for (let index = 0; index < MAX_BLOB_LOCATIONS; index += 1) locations.remember(`app${index}`, DIGEST, plain);
    locations.find('app0', DIGEST);
    locations.remember('one-more', DIGEST, plain);
    expect(locations.find('app0', DIGEST)).toBe(plain);
    expect(locations.find('app1', DIGEST)).toBeUndefined();
    expect(locations.find('one-more', DIGEST)).toBe(plain);
  });

  test.each(['Amz', 'Goog'])('lets go of a URL when its time is over: X-%s-Date', (vendor) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 31, 23, 59, 0) });
    try {
      const locations = new BlobLocations();
      locations.remember('team/app', DIGEST, signed('20260131T235900Z', 60, vendor));
      vi.setSystemTime(Date.UTC(2026, 0, 31, 23, 59, 50));
      expect(locations.find('team/app', DIGEST)).toBeDefined();
      vi.setSystemTime(Date.UTC(2026, 1, 1, 0, 0, 0));
      expect(locations.find('team/app', DIGEST)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['a date that is none', signed('yesterday', 60)],
    ['a date alone', new URL('https://storage.example/blob?X-Amz-Date=20200101T000000Z')],
    ['seconds that are none', new URL('https://storage.example/blob?X-Amz-Date=20200101T000000Z&X-Amz-Expires=1e9')],
  ])('keeps a URL that does not tell its end until the storage refuses it: %s', (_what, url) => {
    const locations = new BlobLocations();
    locations.remember('team/app', DIGEST, url);
    expect(locations.find('team/app', DIGEST)).toBe(url);
  });

  test('shows nothing of the URLs where it is printed', () => {
    const locations = new BlobLocations();
    locations.remember('team/app', DIGEST, plain);
    expect(JSON.stringify(locations)).not.toContain('secret');
  });
});

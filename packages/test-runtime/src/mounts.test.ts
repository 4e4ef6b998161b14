import { expect, test } from 'vitest';
import { parseMountInfo } from './mounts.ts';

test('a mount has a path, a type and a source', () => {
  const text = `26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
410 26 0:52 / /tmp/run/1/fs ro,nosuid,nodev,relatime shared:9 master:2 - fuse.rawBridge soci ro,user_id=0
`;
  expect(parseMountInfo(text)).toEqual([
    { path: '/', type: 'ext4', source: '/dev/vda' },
    { path: '/tmp/run/1/fs', type: 'fuse.rawBridge', source: 'soci' },
  ]);
});

test('the escapes of the kernel are decoded', () => {
  const text = String.raw`26 1 0:1 / /tmp/with\040space\011tab\134backslash rw - tmpfs a\040b rw`;
  expect(parseMountInfo(text)).toEqual([{ path: '/tmp/with space\ttab\\backslash', type: 'tmpfs', source: 'a b' }]);
});

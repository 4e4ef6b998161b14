import { describe, expect, it } from 'vitest';
import { parseLocation } from './location.ts';

describe('parseLocation', () => {
  // What skopeo 1.9.3 makes of the same words, seen in the index.json that it wrote.
  it.each([
    ['oci:image', 'oci', 'image', undefined],
    ['oci:image:latest', 'oci', 'image', 'latest'],
    ['oci:out:a:b/c@d', 'oci', 'out', 'a:b/c@d'],
    ['oci:/tmp/x.y/z:v1.2-rc+3', 'oci', '/tmp/x.y/z', 'v1.2-rc+3'],
    ['oci:image:', 'oci', 'image', undefined],
    ['oci:image:@2', 'oci', 'image', '@2'],
    ['oci-archive:image.tar', 'oci-archive', 'image.tar', undefined],
    ['oci-archive:a b/image.tar:repo/name:tag', 'oci-archive', 'a b/image.tar', 'repo/name:tag'],
  ])('reads %s', (text, transport, path, reference) => {
    expect(parseLocation(text, 'linux')).toEqual({ transport, path, reference, text });
  });

  it("leaves a drive's colon to the path, on Windows only", () => {
    expect(parseLocation('oci:C:\\images\\app:v1', 'win32')).toMatchObject({
      path: 'C:\\images\\app',
      reference: 'v1',
    });
    expect(parseLocation('oci:C:\\images\\app', 'win32')).toMatchObject({
      path: 'C:\\images\\app',
      reference: undefined,
    });
    expect(() => parseLocation('oci:C:\\images', 'linux')).toThrow('is no reference');
  });

  it.each([
    ['docker://registry.example/app:1', 'docker://registry.example/app:1 oci:DIR'],
    ['registry.example/app:1', 'docker://registry.example/app:1 oci:DIR'],
    ['localhost:5000/app', 'docker://localhost:5000/app oci:DIR'],
  ])('says of %s that registries are not reached yet, and how to go on', (text, remedy) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: 'TRANSPORT_UNSUPPORTED', remedy: expect.stringContaining(remedy) }),
    );
  });

  it.each(['docker-archive:x.tar', 'containers-storage:app', 'dir:x'])(
    'says of %s that it is not supported',
    (text) => {
      expect(() => parseLocation(text)).toThrow(expect.objectContaining({ code: 'TRANSPORT_UNSUPPORTED' }));
    },
  );

  it.each([
    ['image.tar', 'Did you mean oci-archive:image.tar?'],
    ['./image', 'Did you mean oci:./image?'],
    ['image', 'Did you mean oci:image?'],
    ['oci:', 'Write oci:PATH[:TAG].'],
    ['oci::tag', 'Write oci:PATH[:TAG].'],
    ['oci:image:bad tag', expect.stringContaining('latest')],
    ['oci:image:@x', expect.stringContaining('@0')],
  ])('refuses %j with a remedy', (text, remedy) => {
    expect(() => parseLocation(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID', remedy }));
  });
});

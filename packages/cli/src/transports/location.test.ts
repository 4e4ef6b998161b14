import { describe, expect, it } from 'vitest';
import { parseDestination, parseLocation } from './location.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('parseLocation', () => {
  // The results match those of skopeo 1.9.3, taken from the index.json that it wrote.
  it.each([
    ['oci:image', 'oci', 'image', undefined],
    ['oci:image:latest', 'oci', 'image', 'latest'],
    ['oci:out:a:b/c@d', 'oci', 'out', 'a:b/c@d'],
    ['oci:/tmp/x.y/z:v1.2-rc+3', 'oci', '/tmp/x.y/z', 'v1.2-rc+3'],
    ['oci:image:', 'oci', 'image', undefined],
    ['oci:image:@2', 'oci', 'image', '@2'],
    ['oci-archive:image.tar', 'oci-archive', 'image.tar', undefined],
    ['oci-archive:a b/image.tar:repo/name:tag', 'oci-archive', 'a b/image.tar', 'repo/name:tag'],
    ['oci-archive:-', 'oci-archive', '-', undefined],
    ['oci-archive:-:v1', 'oci-archive', '-', 'v1'],
    ['docker-archive:image.tar', 'docker-archive', 'image.tar', undefined],
    ['docker-archive:image.tar:ubuntu', 'docker-archive', 'image.tar', 'ubuntu'],
    ['docker-archive:-:localhost:5000/team/app:v1', 'docker-archive', '-', 'localhost:5000/team/app:v1'],
    ['docker-archive:image.tar:@12', 'docker-archive', 'image.tar', '@12'],
    ['dir:image', 'dir', 'image', undefined],
    ['dir:a:b', 'dir', 'a:b', undefined],
  ])('parses %s', (text, transport, path, reference) => {
    expect(parseLocation(text, { platform: 'linux' })).toEqual({ transport, path, reference, text });
  });

  it('treats a drive letter as part of the path, only on Windows', () => {
    expect(parseLocation('oci:C:\\images\\app:v1', { platform: 'win32' })).toMatchObject({
      path: 'C:\\images\\app',
      reference: 'v1',
    });
    expect(parseLocation('oci:C:\\images\\app', { platform: 'win32' })).toMatchObject({
      path: 'C:\\images\\app',
      reference: undefined,
    });
    expect(() => parseLocation('oci:C:\\images', { platform: 'linux' })).toThrow('is not a tag or position');
  });

  it.each([
    ['registry.example/app:1', 'registry.example', 'app', '1', undefined],
    ['docker://registry.example/team/app', 'registry.example', 'team/app', undefined, undefined],
    ['localhost:5000/app', 'localhost:5000', 'app', undefined, undefined],
    ['localhost/app:v1', 'localhost', 'app', 'v1', undefined],
    ['build-host:5000/app', 'build-host:5000', 'app', undefined, undefined],
    ['[::1]:5000/app', '[::1]:5000', 'app', undefined, undefined],
    [`registry.example/app:v1@${DIGEST}`, 'registry.example', 'app', 'v1', DIGEST],
    [
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1',
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      'app',
      'v1',
      undefined,
    ],
    ['docker://ubuntu', 'docker.io', 'library/ubuntu', undefined, undefined],
    ['docker://team/app:v1', 'docker.io', 'team/app', 'v1', undefined],
    ['docker.io/ubuntu:24.04', 'docker.io', 'library/ubuntu', '24.04', undefined],
  ])('parses %s as an image in a registry', (text, host, repository, tag, digest) => {
    expect(parseLocation(text)).toEqual({ transport: 'registry', host, repository, tag, digest, text });
  });

  it('accepts a tag of 128 characters, and reports the length of a longer one', () => {
    const tag = 'v'.repeat(128);
    expect(parseLocation(`registry.example/app:${tag}`)).toMatchObject({ tag });
    expect(() => parseLocation(`registry.example/app:${tag}-soci`)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID', message: expect.stringContaining('133 characters') }),
    );
  });

  it.each([
    'registry.example/App',
    'docker://registry.example/../app',
    'docker://',
    'docker://registry.example/app:v1@sha256:12',
  ])('rejects %s, which is not a valid reference', (text) => {
    expect(() => parseLocation(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
  });

  // skopeo needs the tag for docker-daemon.
  it.each([
    ['docker-daemon:app:v1', 'docker-daemon:app:v1', 'oci-archive:app-oci.tar:v1'],
    ['docker-daemon:app', 'docker-daemon:app:latest', 'oci-archive:app-oci.tar:latest'],
    [
      'docker-daemon:r.example:5000/team/app:v1',
      'docker-daemon:r.example:5000/team/app:v1',
      'oci-archive:app-oci.tar:v1',
    ],
    [`docker-daemon:${DIGEST}`, `docker-daemon:${DIGEST}`, 'oci-archive:image-oci.tar'],
    ['containers-storage:localhost/app:v1', 'containers-storage:localhost/app:v1', 'oci-archive:app-oci.tar:v1'],
    ['containers-storage:[vfs@/x]app', "'containers-storage:[vfs@/x]app'", 'oci-archive:app-oci.tar:latest'],
    ["docker-daemon:it's", "'docker-daemon:it'\\''s'", 'oci-archive:image-oci.tar'],
    ['docker-daemon:$(reboot)', "'docker-daemon:$(reboot)'", 'oci-archive:image-oci.tar'],
    ['sif:app.sif', 'sif:app.sif', 'oci-archive:image-oci.tar'],
    ['ostree:app', 'ostree:app', 'oci-archive:image-oci.tar'],
    ['tarball:app.tar', 'tarball:app.tar', 'oci-archive:image-oci.tar'],
    ['atomic:ns/app:v1', 'atomic:ns/app:v1', 'oci-archive:image-oci.tar'],
  ])('names the skopeo command that copies %s to an archive', (text, name, archive) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({
        code: 'TRANSPORT_UNSUPPORTED',
        remedy: `Copy the image to an archive first: skopeo copy ${name} ${archive} && `,
      }),
    );
  });

  it.each([
    ['image.tar', expect.stringContaining('oci-archive:image.tar, or docker-archive:image.tar')],
    ['./image', expect.stringContaining('Did you mean oci:./image?')],
    ['image', expect.stringContaining('Did you mean oci:image?')],
    ['team/app', expect.stringContaining('docker://REPO')],
    ['oci:', 'Write oci:PATH[:TAG].'],
    ['oci::tag', 'Write oci:PATH[:TAG].'],
    ['oci:image:bad tag', expect.stringContaining('latest')],
    ['oci:image:@x', expect.stringContaining('@0')],
    ['image.tar.gz', expect.stringContaining('Did you mean oci-archive:image.tar.gz, or')],
    ['images.d/app.tgz', expect.stringContaining('Did you mean oci-archive:images.d/app.tgz, or')],
    ['docker-archive:', 'Write docker-archive:PATH[:NAME].'],
    ['docker-archive:x.tar:Ubuntu', expect.stringContaining('ubuntu:24.04')],
    [`docker-archive:x.tar:ubuntu@${DIGEST}`, expect.stringContaining('ubuntu:24.04')],
    ['dir:', 'Write dir:PATH.'],
    ['oci:-', expect.stringContaining('Use oci-archive:-')],
    ['dir:-', expect.stringContaining('write dir:./-')],
  ])('rejects %j with advice', (text, remedy) => {
    expect(() => parseLocation(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID', remedy }));
  });
});

describe('parseDestination', () => {
  it.each(['registry.example/app:v1', 'oci:image:v1', 'oci-archive:image.tar', 'oci-archive:-'])(
    'accepts %s',
    (text) => {
      expect(parseDestination(text)).toEqual(parseLocation(text));
    },
  );

  it.each([
    ['docker-archive:x.tar', 'oci-archive:image-soci.tar', undefined],
    ['docker-archive:-', 'oci-archive:image-soci.tar', undefined],
    ['docker-daemon:team/app:v1', 'oci-archive:app-soci.tar:v1', undefined],
    ['containers-storage:app', 'oci-archive:app-soci.tar:latest', undefined],
    [
      'dir:x y',
      'oci-archive:image-soci.tar',
      " && skopeo copy --all --preserve-digests oci-archive:image-soci.tar 'dir:x y'",
    ],
  ])('names the archive that replaces %s', (text, by, next) => {
    expect(() => parseDestination(text)).toThrow(
      expect.objectContaining({
        code: 'TRANSPORT_UNSUPPORTED',
        replacement: { operand: text, at: 'last', by, ...(next && { next }) },
      }),
    );
  });

  it.each(['oci-archive:image.tar.gz', 'oci-archive:image.tgz:v1', 'oci-archive:image.tar.zst'])(
    'rejects %s, because the name promises a compression',
    (text) => {
      expect(() => parseDestination(text)).toThrow(
        expect.objectContaining({ code: 'USAGE_INVALID', remedy: expect.stringContaining('oci-archive:-') }),
      );
    },
  );
});

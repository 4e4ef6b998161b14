// The six situations that people meet most, from the reference alone.
import { describe, expect, it } from 'vitest';
import {
  multiPlatformImage,
  putInto,
  readManifest,
  runDoctor,
  runWell,
  smallLayersImage,
  usualImage,
  zstdImage,
} from '../fixtures/doctor-images.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();

const convert = (...words: string[]) => runWell('convert', '-q', '--jobs', '1', ...words);

describe('doctor, from the reference alone', () => {
  it('says that the original tag is deployed, and which tag to deploy', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const [name, indexed] = [`${registry.host}/prod/app:v1`, `${registry.host}/prod/app:v1-soci`];
    await convert(name, indexed);
    const { code, verdict, cause, first } = await runDoctor([name]);
    expect({ code, verdict, cause }).toEqual({ code: 4, verdict: 'cause-found', cause: 'original-image' });
    expect(first?.answer).toBe(`This tag has no SOCI index: ${name} is the original image. Deploy ${indexed}.`);
    expect(first?.remedy.join('\n')).toContain(indexed);
    expect(await runDoctor([indexed])).toMatchObject({ code: 0, verdict: 'lazy', cause: null });
  });

  it('says that the image has only an index of version 1', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const name = `${registry.host}/prod/app:v1`;
    expect(await runCli(['create', '-q', name])).toMatchObject({ code: 0 });
    const { code, cause, first } = await runDoctor([name]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'v1-only' });
    expect(first?.remedy[0]).toBe(`Build an index of version 2: soci-index convert ${name} ${name}-soci`);
  });

  it('says that the layers are compressed with zstd', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', zstdImage());
    const name = `${registry.host}/prod/app:v1`;
    const { code, cause, first } = await runDoctor([name]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'unsupported-compression' });
    expect(first?.answer).toContain('zstd');
    expect(first?.remedy[0]).toContain(`soci-index convert --recompress ${name} ${name}-soci`);
  });

  it('says that small layers have nothing to gain', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', smallLayersImage());
    const { code, verdict, cause, first } = await runDoctor([`${registry.host}/prod/app:v1`]);
    expect({ code, verdict, cause }).toEqual({ code: 3, verdict: 'nothing-to-gain', cause: 'small-layers' });
    expect(first?.answer).toMatch(/^Nothing to gain: all layers of .* are smaller than 10 MiB\.$/);
    expect(first?.remedy[0]).toMatch(/^Nothing is wrong\./);
  });

  it.each(['a zTOC', 'the SOCI index'])('says that %s is missing', async (what) => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', usualImage());
    const [name, indexed] = [`${registry.host}/prod/app:v1`, `${registry.host}/prod/app:v1-soci`];
    await convert(name, indexed);
    const soci = readManifest(registry, 'prod/app', 'v1-soci').manifests.find(
      ({ artifactType }) => artifactType !== undefined,
    );
    const [ztoc] = readManifest(registry, 'prod/app', soci?.digest ?? '').layers;
    const path = what === 'a zTOC' ? `blobs/${ztoc?.digest}` : `manifests/${soci?.digest}`;
    expect((await fetch(`${registry.url}/v2/prod/app/${path}`, { method: 'DELETE' })).status).toBe(202);
    const { code, cause, first } = await runDoctor([indexed]);
    expect({ code, cause }).toEqual({ code: 4, cause: 'index-content-missing' });
    expect(first?.read.join('\n')).toContain('not found');
    expect(first?.remedy[0]).toContain(`soci-index convert --force ${name} ${indexed}`);
  });

  it('says that the platform that runs has no index', async () => {
    const registry = await start();
    await putInto(registry, 'prod/app', 'v1', multiPlatformImage());
    const [name, indexed] = [`${registry.host}/prod/app:v1`, `${registry.host}/prod/app:v1-soci`];
    await convert('--platform', 'linux/amd64', name, indexed);
    for (const words of [[indexed], ['--platform', 'linux/arm64', indexed]]) {
      const { code, cause, first } = await runDoctor(words);
      expect({ code, cause }).toEqual({ code: 4, cause: 'platform-not-indexed' });
      expect(first?.answer).toBe(`${indexed} has no SOCI index for linux/arm64, only for linux/amd64.`);
      expect(first?.remedy[0]).toContain(`soci-index convert --force ${name} ${indexed}`);
    }
    expect(await runDoctor(['--platform', 'linux/amd64', indexed])).toMatchObject({ code: 0, verdict: 'lazy' });
  });
});

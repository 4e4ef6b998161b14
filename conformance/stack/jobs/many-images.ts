import {
  AMD64,
  ARM64,
  type ImageContent,
  makeBrokenLayer,
  makeBuildKitAttestation,
  makeDockerImage,
  makeHelmChart,
  makeImage,
  makeIndex,
  makeLayer,
  makeZstdLayer,
  pushImage,
} from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';

/** Number of tags that {@link pushManyImages} pushes to ten repositories, without the tag that is taken. */
export const IMAGES = 500;

/** Images that get another outcome than `indexed`, or another kind of index, by their number. */
const SPECIAL: Readonly<Record<number, () => ImageContent>> = {
  7: () => makeImage([makeBrokenLayer('broken')]),
  11: () => makeImage([makeZstdLayer('zstd')]),
  13: () => makeImage([makeLayer('small', 100)]),
  17: () => makeImage([]),
  19: () =>
    makeIndex(
      [AMD64, ARM64].map((platform) => ({
        made: makeImage([makeLayer(`for ${platform.architecture}`, 5000)], { platform }),
        fields: { platform },
      })),
    ),
  23: () => makeDockerImage(['docker']),
  37: makeHelmChart,
  41: makeBuildKitAttestation,
};

/** Number of the image whose output tag names another image, and of the one that is archived. */
const [TAKEN, ARCHIVED] = [29, 31];

/** Pushes images of many kinds, `v0`, `v1`, ... in turn to `prod/app0` to `prod/app9`, and denies access to `prod/secret`. */
export async function pushManyImages(registry: TestRegistry): Promise<void> {
  for (let i = 0; i < IMAGES; i++) {
    const [repository, tag] = [`prod/app${i % 10}`, `v${i}`];
    registry.createRepository(repository);
    const make = SPECIAL[i] ?? (() => makeImage([makeLayer(`image ${i}`, 5000)]));
    await pushImage(registry, repository, tag, make());
    if (i === TAKEN) await pushImage(registry, repository, `${tag}-soci`, makeImage([makeLayer('another', 5000)]));
    if (i === ARCHIVED) registry.archive(repository, tag);
  }
  registry.createRepository('prod/secret');
  registry.denyAccess('prod/secret');
}

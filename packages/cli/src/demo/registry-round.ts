import { type ConvertedImage, convertImage, type NothingToIndex, type SociIndexOptions } from '@soci/index';
import type { CommandContext } from '../command.ts';
import { describeImage } from '../image/describe-image.ts';
import { ImageFiles } from '../image/image-files.ts';
import { indexInto } from '../image/index-into.ts';
import { withoutName } from '../image/new-content.ts';
import { recognizeImage } from '../image/recognize.ts';
import { showTransferProgress } from '../transfer-progress.ts';
import type { ImageLocation } from '../transports/location.ts';
import { withPlaces } from '../transports/places.ts';
import type { RegistryAccess } from '../transports/registry-access.ts';
import { parseRegistryLocation } from '../transports/registry-location.ts';
import type { ImageDestination, ImageSource } from '../transports/transport.ts';
import type { DemoRegistry } from './demo-registry.ts';
import type { RegistryTraffic } from './registry-messages.ts';

/** One step of the demonstration, and what the registry was asked for it. */
export interface RegistryStep extends RegistryTraffic {
  /** Wall time. */
  readonly seconds: number;
}

/** A step as `--json` has it. */
export function stepAsJson({ requests, bytesIn, bytesOut, seconds }: RegistryStep): object {
  return { requests, bytesIn, bytesOut, seconds: Number(seconds.toFixed(3)) };
}

const TAG = 'latest';
const CONVERTED_TAG = 'latest-soci';

/** An image's way through a registry: pushed there, converted there, recognized, read, pulled. */
export class RegistryRound {
  readonly #registry: DemoRegistry;
  readonly #context: CommandContext;
  /** Where the image is, and where it is when it is converted. */
  readonly image: ImageLocation;
  readonly converted: ImageLocation;

  constructor(registry: DemoRegistry, context: CommandContext) {
    this.#registry = registry;
    this.#context = context;
    this.image = parseRegistryLocation(`${registry.host}/app:${TAG}`);
    this.converted = parseRegistryLocation(`${registry.host}/app:${CONVERTED_TAG}`);
  }

  /** Pushes the image, wherever it is. */
  async push(from: ImageLocation, access: RegistryAccess): Promise<RegistryStep> {
    const { signal } = this.#context;
    const { step } = await this.#measure(() =>
      withPlaces(access, signal, async (there) => {
        const source = await there.openSource(from);
        await withPlaces(this.#registry.access, signal, async (places) => {
          const destination = await places.openDestination(this.image);
          await this.#copy(destination, source, source, []);
        });
      }),
    );
    return step;
  }

  /** Converts it within the registry, as `convert` does. The result is undefined where it was there already. */
  async convert(): Promise<{ step: RegistryStep; result: ConvertedImage | NothingToIndex | undefined }> {
    const { step, value } = await this.#measure(() =>
      indexInto(
        {
          source: this.image,
          destination: this.converted,
          access: this.#registry.access,
          options: {},
          reuse: true,
          force: false,
          recognize: recognizeImage,
          build: ({ store, root }: ImageSource, given: SociIndexOptions) => convertImage(store, root, given),
          verify: undefined,
          roots: ({ root }) => [{ target: root, reference: CONVERTED_TAG }],
        },
        this.#context,
      ),
    );
    return { step, result: value.result.outcome === 'current' ? undefined : value.result };
  }

  /** Reads one file out of the registry, as `cat` does. */
  async readFile(path: string): Promise<RegistryStep> {
    const call = { signal: this.#context.signal };
    const { step } = await this.#measure(() =>
      withPlaces(this.#registry.access, call.signal, async (places) => {
        const source = await places.openSource(this.converted);
        const { images } = await describeImage(source, call);
        for (const image of images.slice(0, 1)) {
          const file = await new ImageFiles(source, image, call).find(path);
          if (file?.entry) for await (const _ of file.reader.openFile(file.entry, call));
        }
      }),
    );
    return step;
  }

  /** Pulls the converted image into a place that outlives the registry; layers are taken from where the image came from. */
  async pull(from: ImageLocation, to: ImageLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withPlaces(access, signal, async (there) => {
      const [origin, destination] = [await there.openSource(from), await there.openDestination(to)];
      await withPlaces(this.#registry.access, signal, async (places) => {
        const source = await places.openSource(this.converted);
        const { images } = await describeImage(source, { signal });
        const layers = images.flatMap((image) => image.layers.map(({ digest }) => digest));
        await this.#copy(destination, source, origin, layers);
      });
    });
  }

  /** Writes what is at `content` to a destination; blobs in `verified` may be taken from `source`, which has them too. */
  async #copy(
    destination: ImageDestination,
    content: ImageSource,
    source: ImageSource,
    verified: readonly string[],
  ): Promise<void> {
    const progress = this.#context.output.openProgress();
    try {
      await destination.deliver({
        content: content.store,
        roots: [{ target: withoutName(content.root), reference: TAG }],
        source,
        made: new Set(),
        verified: new Set(verified),
        signal: this.#context.signal,
        beforeNaming: async () => {},
        onBytes: showTransferProgress(progress, 'copying'),
      });
    } finally {
      progress.close();
    }
  }

  /** Says of some work how long it takes, and what the registry is asked for it. */
  async #measure<T>(work: () => Promise<T>): Promise<{ readonly step: RegistryStep; readonly value: T }> {
    const started = performance.now();
    const value = await work();
    const seconds = (performance.now() - started) / 1000;
    return { step: { ...(await this.#registry.traffic()), seconds }, value };
  }
}

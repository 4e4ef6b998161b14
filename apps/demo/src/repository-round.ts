import {
  type CommandContext,
  describeImage,
  type ImageDestination,
  type ImageLocation,
  type ImageSource,
  parseRegistryLocation,
  type RegistryAccess,
  showTransferProgress,
  withImageStores,
  withoutName,
} from '@soci/cli/internal';
import { openImageFilesystem } from '@soci/index';
import type { RegistryThread, RegistryTraffic } from './registry/registry-thread.ts';

/** One step of the demonstration, and what the registry was asked for it. */
export interface RegistryStep extends RegistryTraffic {
  /** Wall time. */
  readonly seconds: number;
}

/** A step as `--json` has it. */
export function stepAsJson({ requests, bytesIn, bytesOut, seconds }: RegistryStep): object {
  return { requests, bytesIn, bytesOut, seconds: Number(seconds.toFixed(3)) };
}

/** Where the image goes in the registry, and what the generator calls what it makes of it. */
export const REPOSITORY = 'app';
const TAG = 'latest';
const CONVERTED_TAG = 'latest-soci';

/** What the demonstration itself does with the repository: push, read, pull. All else the functions do. */
export class RepositoryRound {
  readonly #registry: RegistryThread;
  readonly #context: CommandContext;
  #seen: RegistryTraffic = { requests: 0, bytesIn: 0, bytesOut: 0 };
  /** Where the image is, and the one that is made of it. */
  readonly image: ImageLocation;
  readonly converted: ImageLocation;

  constructor(registry: RegistryThread, context: CommandContext) {
    this.#registry = registry;
    this.#context = context;
    this.image = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${TAG}`);
    this.converted = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${CONVERTED_TAG}`);
  }

  /** Pushes the image, wherever it is. */
  async push(from: ImageLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withImageStores(access, signal, async (there) => {
      const source = await there.openSource(from);
      await withImageStores(this.#registry.access, signal, async (places) => {
        await this.#copy(await places.openDestination(this.image), source, source, []);
      });
    });
  }

  /** Reads one file out of the registry, as `soci-index cat` does. */
  async readFile(path: string): Promise<void> {
    const call = { signal: this.#context.signal };
    await withImageStores(this.#registry.access, call.signal, async (places) => {
      const source = await places.openSource(this.converted);
      const { images } = await describeImage(source, call);
      for (const { platform } of images.slice(0, 1)) {
        const file = await (await openImageFilesystem(source.store, source.root, { platform, ...call })).lookup(path);
        if (file?.entry) for await (const _ of file.reader.openFile(file.entry, call));
      }
    });
  }

  /** Pulls the converted image into a place that outlives the registry; layers are taken from where the image came from. */
  async pull(from: ImageLocation, to: ImageLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withImageStores(access, signal, async (there) => {
      const [origin, destination] = [await there.openSource(from), await there.openDestination(to)];
      await withImageStores(this.#registry.access, signal, async (places) => {
        const source = await places.openSource(this.converted);
        const { images } = await describeImage(source, { signal });
        const layers = images.flatMap((image) => image.layers.map(({ digest }) => digest));
        await this.#copy(destination, source, origin, layers);
      });
    });
  }

  /** Says of some work how long it takes, and what the registry is asked for it. */
  async measure<T>(work: () => Promise<T>): Promise<{ readonly step: RegistryStep; readonly value: T }> {
    this.#seen = await this.#registry.traffic();
    const started = performance.now();
    const value = await work();
    const seconds = (performance.now() - started) / 1000;
    return { step: { ...(await this.#sinceSeen()), seconds }, value };
  }

  /** Bytes that the registry has sent since the work began that is measured. */
  async bytesRead(): Promise<number> {
    return (await this.#sinceSeen()).bytesOut;
  }

  async #sinceSeen(): Promise<RegistryTraffic> {
    const { requests, bytesIn, bytesOut } = await this.#registry.traffic();
    const seen = this.#seen;
    return { requests: requests - seen.requests, bytesIn: bytesIn - seen.bytesIn, bytesOut: bytesOut - seen.bytesOut };
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
}

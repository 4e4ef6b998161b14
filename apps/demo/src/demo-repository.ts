import {
  type CommandContext,
  type DestinationLocation,
  describeImage,
  type ImageDestination,
  type ImageLocation,
  parseRegistryLocation,
  type RegistryAccess,
  type RegistryLocation,
  showTransferProgress,
  withImageStores,
} from '@soci/cli/internal';
import { openImageFilesystem } from '@soci/index';
import { copyImage, type Descriptor, type Fetcher, type Prober, type Pusher } from '@soci/oci';
import type { TestRegistry } from '@soci/test-registry';

/** Requests and transfers of the registry during one step of the demonstration. */
export interface RegistryTraffic {
  /** Number of requests, including those that follow a redirect. */
  readonly requests: number;
  /** Bytes sent to the registry, without headers. */
  readonly bytesIn: number;
  /** Bytes sent by the registry, without headers. */
  readonly bytesOut: number;
  /** Elapsed time. */
  readonly seconds: number;
}

/** Repository of the demonstration. */
export const REPOSITORY = 'app';
const TAG = 'latest';
const CONVERTED_TAG = 'latest-soci';

/** The demonstration's client of its repository: pushes, reads and pulls images. The functions do everything else. */
export class DemoRepository {
  readonly #registry: TestRegistry;
  readonly #context: CommandContext;
  /** Number of requests before the measured step. */
  #requestsBefore = 0;
  readonly access: RegistryAccess;
  /** The pushed image. */
  readonly image: RegistryLocation;
  /** The SOCI-enabled image that the generator creates. */
  readonly converted: RegistryLocation;

  constructor(registry: TestRegistry, context: CommandContext) {
    this.#registry = registry;
    this.#context = context;
    const trace = (line: string) => context.output.trace(line);
    // An empty environment, because proxies do not apply to this host.
    const { credentials } = registry;
    this.access = { env: {}, trace, ...(credentials.username !== '' && { account: credentials }), plainHttp: true };
    this.image = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${TAG}`);
    this.converted = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${CONVERTED_TAG}`);
  }

  /** Pushes an image from a layout or another registry. */
  async push(from: ImageLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withImageStores(access, { signal }, async (sources) => {
      const { store, root } = await sources.openImage(from);
      await withImageStores(this.access, { signal }, async (stores) => {
        await this.#copy(store, root, await stores.openDestination(this.image));
      });
    });
  }

  /** Reads one file from the registry, as `soci-index cat` does. */
  async readFile(path: string): Promise<void> {
    const call = { signal: this.#context.signal };
    await withImageStores(this.access, call, async (stores) => {
      const source = await stores.openImage(this.converted);
      const { images } = await describeImage(source, call);
      for (const { platform } of images.slice(0, 1)) {
        const file = await (await openImageFilesystem(source.store, source.root, { platform, ...call })).lookup(path);
        if (file?.entry) for await (const _ of file.reader.openFile(file.entry, call));
      }
    });
  }

  /** Copies the converted image to a location that outlives the registry. Reads layers from the original image. */
  async pull(from: ImageLocation, to: DestinationLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withImageStores(access, { signal }, async (others) => {
      const [origin, destination] = [await others.openSource(from), await others.openDestination(to)];
      await withImageStores(this.access, { signal }, async (stores) => {
        const { store, root } = await stores.openImage(this.converted);
        const { images } = await describeImage({ store, root }, { signal });
        const layers = new Set(images.flatMap((image) => image.layers.map(({ digest }) => digest)));
        const storeOf = ({ digest }: Descriptor) => (layers.has(digest) ? origin.store : store);
        const content: Fetcher & Prober = {
          fetch: (blob, call) => storeOf(blob).fetch(blob, call),
          exists: (blob, call) => storeOf(blob).exists(blob, call),
        };
        await this.#copy(content, root, destination);
      });
    });
  }

  /** Runs some work and measures its time and the traffic of the registry. */
  async measure<T>(work: () => Promise<T>): Promise<{ readonly traffic: RegistryTraffic; readonly value: T }> {
    this.#requestsBefore = this.#registry.requests.length;
    const started = performance.now();
    const value = await work();
    return { traffic: { ...this.traffic(), seconds: (performance.now() - started) / 1000 }, value };
  }

  /** Returns the traffic since the measured work started. */
  traffic(): Omit<RegistryTraffic, 'seconds'> {
    const requests = this.#registry.requests.slice(this.#requestsBefore);
    return {
      requests: requests.length,
      bytesIn: requests.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
      bytesOut: requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
    };
  }

  /** Copies an image and tags it. */
  async #copy(content: Fetcher & Prober, root: Descriptor, destination: ImageDestination): Promise<void> {
    const { signal, output } = this.#context;
    const progress = output.openProgress();
    const show = showTransferProgress(progress, 'copying');
    const counted: Fetcher & Prober = {
      exists: (blob, call) => content.exists(blob, call),
      async *fetch(blob, call) {
        let bytes = 0;
        for await (const chunk of content.fetch(blob, call)) {
          bytes += chunk.length;
          show({ ...blob, bytes });
          yield chunk;
        }
      },
    };
    try {
      const { store } = destination;
      if ('writeImages' in store) throw new Error('the demonstration does not write archives');
      // Pushes the manifest with its tag in one request, so that the registry sends one event.
      const pushRoot = async (raw: Uint8Array) =>
        store.pushManifest ? store.pushManifest(root, raw, { signal, tag: TAG }) : store.push(root, raw, { signal });
      const into: Pusher & Prober = {
        exists: (blob, call) => store.exists(blob, call),
        push: (blob, pushed, call) =>
          blob.digest === root.digest && pushed instanceof Uint8Array
            ? pushRoot(pushed)
            : store.push(blob, pushed, call),
      };
      await copyImage(counted, into, root, { signal });
      if (!store.pushManifest) await store.tag(root, TAG, { signal });
      await destination.commit();
    } finally {
      progress.close();
    }
  }
}

import {
  type CommandContext,
  describeImage,
  type ImageDestination,
  type ImageLocation,
  parseRegistryLocation,
  type RegistryAccess,
  showTransferProgress,
  withImageStores,
} from '@soci/cli/internal';
import { openImageFilesystem } from '@soci/index';
import { copyImage, type Descriptor, type Fetcher, type Prober, type Pusher } from '@soci/oci';
import type { TestRegistry } from '@soci/test-registry';

/** One step of the demonstration, and what the registry was asked for it. */
export interface RegistryStep {
  /** Requests, those that follow a redirect among them. */
  readonly requests: number;
  /** Bytes that were sent to the registry, and that it sent, without headers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Wall time. */
  readonly seconds: number;
}

/** Where the image goes in the registry, and what the generator calls what it makes of it. */
export const REPOSITORY = 'app';
const TAG = 'latest';
const CONVERTED_TAG = 'latest-soci';

/** What the demonstration itself does with the repository: push, read, pull. All else the functions do. */
export class RepositoryRound {
  readonly #registry: TestRegistry;
  readonly #context: CommandContext;
  /** Requests before the step that is measured. */
  #seen = 0;
  /** How the registry is reached. */
  readonly access: RegistryAccess;
  /** Where the image is, and the one that is made of it. */
  readonly image: ImageLocation;
  readonly converted: ImageLocation;

  constructor(registry: TestRegistry, context: CommandContext) {
    this.#registry = registry;
    this.#context = context;
    const trace = (line: string) => context.output.trace(line);
    // Proxies are for other hosts than this one.
    this.access = { env: {}, trace, account: registry.credentials, plainHttp: true };
    this.image = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${TAG}`);
    this.converted = parseRegistryLocation(`${registry.host}/${REPOSITORY}:${CONVERTED_TAG}`);
  }

  /** Pushes the image, wherever it is. */
  async push(from: ImageLocation, access: RegistryAccess): Promise<void> {
    const { signal } = this.#context;
    await withImageStores(access, signal, async (there) => {
      const { store, root } = await there.openImage(from);
      await withImageStores(this.access, signal, async (stores) => {
        await this.#copy(store, root, await stores.openDestination(this.image));
      });
    });
  }

  /** Reads one file out of the registry, as `soci-index cat` does. */
  async readFile(path: string): Promise<void> {
    const call = { signal: this.#context.signal };
    await withImageStores(this.access, call.signal, async (places) => {
      const source = await places.openImage(this.converted);
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
      await withImageStores(this.access, signal, async (stores) => {
        const { store, root } = await stores.openImage(this.converted);
        const { images } = await describeImage({ store, root }, { signal });
        const layers = new Set(images.flatMap((image) => image.layers.map(({ digest }) => digest)));
        const holderOf = ({ digest }: Descriptor) => (layers.has(digest) ? origin.store : store);
        const content: Fetcher & Prober = {
          fetch: (piece, call) => holderOf(piece).fetch(piece, call),
          exists: (piece, call) => holderOf(piece).exists(piece, call),
        };
        await this.#copy(content, root, destination);
      });
    });
  }

  /** Says of some work how long it takes, and what the registry is asked for it. */
  async measure<T>(work: () => Promise<T>): Promise<{ readonly step: RegistryStep; readonly value: T }> {
    this.#seen = this.#registry.requests.length;
    const started = performance.now();
    const value = await work();
    return { step: { ...this.traffic(), seconds: (performance.now() - started) / 1000 }, value };
  }

  /** What the registry was asked since the work began that is measured. */
  traffic(): Omit<RegistryStep, 'seconds'> {
    const requests = this.#registry.requests.slice(this.#seen);
    return {
      requests: requests.length,
      bytesIn: requests.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
      bytesOut: requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0),
    };
  }

  /** Copies an image and makes it visible under the tag. */
  async #copy(content: Fetcher & Prober, root: Descriptor, destination: ImageDestination): Promise<void> {
    const { signal, output } = this.#context;
    const progress = output.openProgress();
    const show = showTransferProgress(progress, 'copying');
    const counted: Fetcher & Prober = {
      exists: (piece, call) => content.exists(piece, call),
      async *fetch(piece, call) {
        let bytes = 0;
        for await (const chunk of content.fetch(piece, call)) {
          bytes += chunk.length;
          show({ ...piece, bytes });
          yield chunk;
        }
      },
    };
    try {
      const { store } = destination;
      if ('writeImages' in store) throw new Error('an archive is no place of the demonstration');
      // In one request, so that a registry raises one event.
      const pushRoot = async (raw: Uint8Array) =>
        store.pushManifest ? store.pushManifest(root, raw, { signal, tag: TAG }) : store.push(root, raw, { signal });
      const into: Pusher & Prober = {
        exists: (piece, call) => store.exists(piece, call),
        push: (piece, pushed, call) =>
          piece.digest === root.digest && pushed instanceof Uint8Array
            ? pushRoot(pushed)
            : store.push(piece, pushed, call),
      };
      await copyImage(counted, into, root, { signal });
      if (!store.pushManifest) await store.tag(root, TAG, { signal });
      await destination.commit();
    } finally {
      progress.close();
    }
  }
}

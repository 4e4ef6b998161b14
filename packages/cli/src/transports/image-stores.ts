import type { ProfileTarget, SourceStore } from '@soci/index';
import { type Descriptor, OciError } from '@soci/oci';
import type { CommandContext } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { openProfileDryRun, openRepositoryDryRun, type PlannedWrite } from './dry-run.ts';
import {
  type ImageDestination,
  type ImageSource,
  openLayoutDestination,
  openLayoutDirectory,
  openLayoutSource,
  openUnwrittenLayout,
} from './layout-stores.ts';
import {
  type DestinationLocation,
  destinationTag,
  type ImageLocation,
  type ProfileLocation,
  type RegistryLocation,
} from './location.ts';
import type { RegistryAccess } from './registry-options.ts';
import type { RegistryStores } from './registry-stores.ts';

/** An image and its store. */
export interface OpenImage {
  readonly store: SourceStore;
  /** The manifest or image index that the location refers to. */
  readonly root: Descriptor;
}

/** What opening a store needs from the command. Without standard streams, archives there are rejected. */
export type StoreContext = Pick<CommandContext, 'signal'> & Partial<Pick<CommandContext, 'stdin' | 'claimStdout'>>;

/** Opens the stores that a command reads from and writes to, and closes them at the end. */
export class ImageStores {
  readonly #access: RegistryAccess;
  readonly #context: StoreContext;
  readonly #open: { close(): Promise<void> }[] = [];
  readonly #sources: RegistryLocation[] = [];
  #registries: RegistryStores | undefined;

  constructor(access: RegistryAccess, context: StoreContext) {
    this.#access = access;
    this.#context = context;
  }

  /** Opens a location for reading, without resolving its tag. */
  async openSource(location: ImageLocation): Promise<ImageSource> {
    if (location.transport !== 'registry') return this.#keep(await openLayoutSource(location, this.#context));
    // The default tag is that of docker.
    const reference = location.digest ?? location.tag ?? 'latest';
    this.#sources.push(location);
    return { store: await this.#repository(location), reference, close: async () => {} };
  }

  /** Opens a location for reading and resolves it to an image. */
  async openImage(location: ImageLocation): Promise<OpenImage> {
    const { store, reference } = await this.openSource(location);
    const root =
      typeof reference === 'string' ? await store.resolve(reference, { signal: this.#context.signal }) : reference;
    return { store, root };
  }

  /**
   * Opens a location for writing. Content that is not committed is removed at the end.
   *
   * @param isDryRun - Whether to write nothing, and to record what would be written.
   */
  async openDestination(location: DestinationLocation, isDryRun = false): Promise<ImageDestination> {
    destinationTag(location);
    if (isDryRun) {
      const { store, planned } =
        location.transport === 'registry'
          ? openRepositoryDryRun(await this.#repository(location), (repository) =>
              this.#repository({ ...location, repository }),
            )
          : await openUnwrittenLayout(location);
      return { store, planned, commit: async () => {}, close: async () => {} };
    }
    if (location.transport !== 'registry') return this.#keep(await openLayoutDestination(location, this.#context));
    return { store: await this.#repository(location), commit: async () => {}, close: async () => {} };
  }

  /**
   * Opens a repository or layout directory for profiles.
   *
   * @param isDryRun - Whether to write nothing, and to record what would be written.
   */
  async openProfileStore(
    location: ProfileLocation,
    isDryRun = false,
  ): Promise<{ readonly store: ProfileTarget; planned?(): readonly PlannedWrite[] }> {
    const store =
      location.transport === 'registry' ? await this.#repository(location) : await openLayoutDirectory(location);
    return isDryRun ? openProfileDryRun(store) : { store };
  }

  /** Returns a failure of a command, or why an image that the registry does not find cannot be read. */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof OciError && error.code === 'NOT_FOUND')) return error;
    for (const location of this.#sources) {
      if (!(await this.#registries?.isArchived(location))) continue;
      return new CliError('IMAGE_ARCHIVED', `${location.text} is archived in Amazon ECR, and cannot be read`, {
        remedy: 'Restore it with "aws ecr update-image-storage-class", or push it again.',
        cause: error,
      });
    }
    return error;
  }

  /** Closes the stores, in reverse order. */
  async close(): Promise<void> {
    for (const store of this.#open.reverse()) await store.close();
    this.#registries?.close();
  }

  #keep<Store extends { close(): Promise<void> }>(store: Store): Store {
    this.#open.push(store);
    return store;
  }

  /** Loads the registry client, which is large, only if a location is in a registry. */
  async #repository(location: RegistryLocation) {
    const { RegistryStores } = await import('./registry-stores.ts');
    this.#registries ??= new RegistryStores(this.#access);
    return this.#registries.open(location);
  }
}

/** Calls `use` with new {@link ImageStores}, and closes them when it is finished or has failed. */
export async function withImageStores<T>(
  access: RegistryAccess,
  context: StoreContext,
  use: (stores: ImageStores) => Promise<T>,
): Promise<T> {
  const stores = new ImageStores(access, context);
  try {
    return await use(stores);
  } catch (error) {
    throw await stores.explain(error);
  } finally {
    await stores.close();
  }
}

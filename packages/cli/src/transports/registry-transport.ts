import { defaultCredentials, ecrRegistryOptions } from '@soci/ecr';
import { findSimilarTags } from '@soci/index';
import { type CallOptions, type Descriptor, digestOf, MEDIA_TYPE_OCI_EMPTY, OciError } from '@soci/oci';
import { openRegistry, type Registry, type RegistryOptions, type Repository } from '@soci/registry';
import { CliError } from '../errors.ts';
import { deliverToRepository } from './deliver-to-repository.ts';
import { destinationName, type ImageLocation, type RegistryLocation, sourceReference } from './location.ts';
import type { ImageDestination, ImageSource, RegistryAccess, Transport } from './transport.ts';

const EMPTY_OBJECT = new TextEncoder().encode('{}');

/** The configuration of every SOCI index: the smallest thing that is written in any case, and means nothing by itself. */
const EMPTY_CONFIG: Descriptor = {
  mediaType: MEDIA_TYPE_OCI_EMPTY,
  digest: digestOf(EMPTY_OBJECT),
  size: EMPTY_OBJECT.length,
};

/**
 * `[docker://]HOST/REPO[:TAG][@DIGEST]`: images in registries. One client serves all locations on a host, and one
 * repository all locations in it, so that what was asked once is known.
 */
export class RegistryTransport implements Transport<RegistryLocation> {
  readonly #options: RegistryOptions;
  readonly #registries = new Map<string, Registry>();
  readonly #repositories = new Map<string, Repository>();

  constructor(access: RegistryAccess) {
    this.#options = toRegistryOptions(access);
  }

  async openSource(location: RegistryLocation, call: CallOptions): Promise<ImageSource> {
    const store = this.#repository(location);
    const root = await store.resolve(sourceReference(location), call);
    return {
      location,
      store,
      root,
      async checkUnmoved(again) {
        if (location.digest !== undefined) return;
        const { digest } = await store.resolve(sourceReference(location), again);
        if (digest !== root.digest) throw movedError(location, root.digest, digest);
      },
      async close() {},
    };
  }

  async openDestination(location: RegistryLocation, call: CallOptions): Promise<ImageDestination> {
    const tag = destinationName(location);
    const store = this.#repository(location);
    const current = tag === '' ? undefined : await resolveIfThere(store, tag, call);
    const written = new Set<string>();
    return {
      location,
      holdings: {
        store,
        current,
        neighbours(image, again) {
          const own = nameOf(image.location);
          const known = image.store === store ? [tag, own] : [tag];
          return findSimilarTags(store, tag === '' ? own : tag, known, again);
        },
      },
      async tryWriting(again) {
        await store.push(EMPTY_CONFIG, EMPTY_OBJECT, again);
        written.add(EMPTY_CONFIG.digest);
      },
      deliver: (delivery) => deliverToRepository(store, location, delivery, written),
      async close() {},
    };
  }

  /** Ends the connections. */
  close(): void {
    for (const registry of this.#registries.values()) registry.close();
  }

  #repository({ host, repository: path }: RegistryLocation): Repository {
    const registry =
      this.#registries.get(host) ?? openRegistry(host, { ...ecrRegistryOptions(host), ...this.#options });
    this.#registries.set(host, registry);
    const name = `${host}/${path}`;
    const repository = this.#repositories.get(name) ?? registry.repository(path);
    this.#repositories.set(name, repository);
    return repository;
  }
}

/** What an image is called where it is; empty for nothing. */
function nameOf(location: ImageLocation): string {
  return location.transport === 'registry' ? sourceReference(location) : (location.reference ?? '');
}

async function resolveIfThere(store: Repository, tag: string, call: CallOptions): Promise<Descriptor | undefined> {
  try {
    return await store.resolve(tag, call);
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function movedError({ text }: RegistryLocation, from: string, to: string): CliError {
  return new CliError('SOURCE_MOVED', `${text} was ${from} and is ${to} by now: somebody has moved the tag`, {
    remedy: 'No tag was given to what was made of the old image. Run the command again for the new one.',
  });
}

function toRegistryOptions(access: RegistryAccess): RegistryOptions {
  const { env, trace, account, authfile, plainHttp, ca, retries, stallTimeout } = access;
  return {
    env,
    credentials: defaultCredentials({ env, ...account, ...(authfile !== undefined && { authFile: authfile }) }),
    onRequest: ({ request, attempt, status, error, milliseconds }) => {
      const again = attempt > 1 ? `, attempt ${attempt}` : '';
      trace(`${request}  ${status ?? error?.message ?? 'no answer'}  ${Math.round(milliseconds)} ms${again}`);
    },
    ...(plainHttp !== undefined && { plainHttp }),
    ...(ca !== undefined && { ca }),
    ...(retries !== undefined && { retry: { maxAttempts: retries + 1 } }),
    ...(stallTimeout !== undefined && { stallTimeout }),
  };
}

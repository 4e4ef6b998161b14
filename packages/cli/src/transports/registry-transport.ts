import { defaultCredentials, ecrRegistryOptions } from '@soci/ecr';
import { openRegistry, type Registry, type RegistryOptions, type Repository } from '@soci/registry';
import { destinationName, type RegistryLocation, sourceReference } from './location.ts';
import type { ImageDestination, ImageSource, RegistryAccess, Transport } from './transport.ts';

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

  async openSource(location: RegistryLocation): Promise<ImageSource> {
    const reference = sourceReference(location);
    return { location, store: this.#repository(location), reference, close: async () => {} };
  }

  async openDestination(location: RegistryLocation): Promise<ImageDestination> {
    destinationName(location);
    return { location, store: this.#repository(location), commit: async () => {}, close: async () => {} };
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

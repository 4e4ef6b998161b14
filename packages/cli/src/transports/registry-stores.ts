import { defaultCredentials, ecrRegistryOptions } from '@soci/ecr';
import { openRegistry, type Registry, type RegistryOptions, type Repository } from '@soci/registry';
import type { RegistryLocation } from './location.ts';
import type { RegistryAccess } from './registry-options.ts';

/** Repositories of registries. One client serves all of a host; what a repository was asked once it knows. */
export class RegistryStores {
  readonly #options: RegistryOptions;
  readonly #registries = new Map<string, Registry>();
  readonly #repositories = new Map<string, Repository>();

  constructor(access: RegistryAccess) {
    this.#options = toRegistryOptions(access);
  }

  /** Ends the connections. */
  close(): void {
    for (const registry of this.#registries.values()) registry.close();
  }

  /** The repository that a location names. */
  open({ host, repository: path }: RegistryLocation): Repository {
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
  const { trace, account, authFile, ...options } = access;
  const { env } = options;
  return {
    ...options,
    credentials: defaultCredentials({ env, ...account, ...(authFile !== undefined && { authFile }) }),
    onRequest: ({ request, attempt, status, error, milliseconds }) => {
      const again = attempt > 1 ? `, attempt ${attempt}` : '';
      trace(`${request}  ${status ?? error?.message ?? 'no answer'}  ${Math.round(milliseconds)} ms${again}`);
    },
  };
}

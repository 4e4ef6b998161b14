import { defaultCredentials, ecrRegistryOptions, openEcrImages, parseEcrHost } from '@soci/ecr';
import { openRegistry, RateLimit, type Registry, type RegistryOptions, type Repository } from '@soci/registry';
import { omitUndefined } from '../command/option.ts';
import type { RegistryLocation } from './location.ts';
import type { RegistryAccess } from './registry-options.ts';

/** Opens repositories. Reuses the client of a host, and the repository object with its cached state. */
export class RegistryStores {
  readonly #options: RegistryOptions;
  readonly #registries = new Map<string, Registry>();
  readonly #repositories = new Map<string, Repository>();

  readonly #rateLimit: RateLimit;

  /** @param manifestsPerSecond - Maximum number of manifests that are pushed per second. @default no limit */
  constructor(access: RegistryAccess, manifestsPerSecond: number = Number.POSITIVE_INFINITY) {
    this.#rateLimit = new RateLimit(manifestsPerSecond);
    this.#options = { ...toRegistryOptions(access), rateLimit: this.#rateLimit };
  }

  /** How often a registry answered with 429. */
  get throttled(): number {
    return this.#rateLimit.throttled;
  }

  /** Closes the connections. */
  close(): void {
    for (const registry of this.#registries.values()) registry.close();
  }

  /**
   * Reports whether the image of a location is archived in Amazon ECR, which answers as if it did not exist. False if the
   * credentials do not allow `ecr:DescribeImages`.
   */
  async isArchived({ host, repository, digest, tag = 'latest' }: RegistryLocation): Promise<boolean> {
    const registry = parseEcrHost(host);
    if (registry === undefined) return false;
    const images = openEcrImages({ registry, ...omitUndefined({ env: this.#options.env }) });
    return images.isArchived(repository, digest === undefined ? { tag } : { digest }).catch(() => false);
  }

  /** Returns the client of a host. */
  registry(host: string): Registry {
    const registry =
      this.#registries.get(host) ?? openRegistry(host, { ...ecrRegistryOptions(host), ...this.#options });
    this.#registries.set(host, registry);
    return registry;
  }

  /** Returns the repository of a location. */
  open({ host, repository: path }: Pick<RegistryLocation, 'host' | 'repository'>): Repository {
    const name = `${host}/${path}`;
    const repository = this.#repositories.get(name) ?? this.registry(host).repository(path);
    this.#repositories.set(name, repository);
    return repository;
  }
}

function toRegistryOptions(access: RegistryAccess): RegistryOptions {
  const { trace, warn, account, authFile, ...options } = access;
  const { env } = options;
  return {
    ...options,
    credentials: defaultCredentials({
      env,
      ...(warn !== undefined && { onWarning: warn }),
      ...account,
      ...(authFile !== undefined && { authFile }),
    }),
    onRequest: ({ request, attempt, status, error, milliseconds }) => {
      const again = attempt > 1 ? `, attempt ${attempt}` : '';
      trace(`${request}  ${status ?? error?.message ?? 'no answer'}  ${Math.round(milliseconds)} ms${again}`);
    },
  };
}

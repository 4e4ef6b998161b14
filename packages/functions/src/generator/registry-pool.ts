import { ecrCredentials, ecrRegistryOptions, formatEcrHost } from '@soci/ecr';
import { openRegistry, type Registry, type Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { AwsLocation, Log } from '../invocation.ts';

/** Registry clients of a function, with their connections and tokens. */
export class RegistryPool {
  readonly #settings: Pick<GeneratorSettings, 'registryHost' | 'fips' | 'dualStack'>;
  readonly #log: Log;
  readonly #registries = new Map<string, Registry>();

  constructor(settings: Pick<GeneratorSettings, 'registryHost' | 'fips' | 'dualStack'>, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Opens a repository in an account and Region, without cached content from earlier invocations.
   *
   * @throws OciError `REFERENCE_INVALID`
   */
  open(location: AwsLocation, name: string): Repository {
    const host = this.#settings.registryHost ?? this.#hostOf(location);
    const registry = this.#registries.get(host) ?? this.#connect(host, location);
    this.#registries.set(host, registry);
    return registry.repository(name);
  }

  #hostOf(location: AwsLocation): string {
    const { fips, dualStack } = this.#settings;
    const host = formatEcrHost({ ...location, fips, dualStack });
    if (host === undefined) throw new Error(`unknown AWS Region ${location.region}`);
    return host;
  }

  #connect(host: string, location: AwsLocation): Registry {
    return openRegistry(host, {
      ...ecrRegistryOptions(host),
      credentials: ecrCredentials({ registry: { ...location, host } }),
      onRequest: ({ request, attempt, status, error, milliseconds }) =>
        this.#log.debug(request, {
          attempt,
          ...(status !== undefined && { status }),
          ...(error && { failure: error.message }),
          milliseconds: Math.round(milliseconds),
        }),
    });
  }
}

import { type AwsOptions, ecrCredentials, ecrRegistryOptions, formatEcrHost, openEcrImages } from '@soci/ecr';
import { openRegistry, type Registry, type Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { AwsLocation, Log } from '../invocation.ts';

/** Registry clients of a function, with their connections and tokens. */
export class RegistryPool {
  readonly #settings: Pick<GeneratorSettings, 'registryHost' | 'fips' | 'dualStack'>;
  readonly #log: Log;
  readonly #aws: AwsOptions;
  readonly #registries = new Map<string, Registry>();

  /** @param aws - Options of calls to the ECR API. */
  constructor(
    settings: Pick<GeneratorSettings, 'registryHost' | 'fips' | 'dualStack'>,
    log: Log,
    aws: AwsOptions = {},
  ) {
    this.#aws = aws;
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
    // A proxy has the same host for all accounts, whose tokens differ.
    const key = `${location.account}@${host}`;
    const registry = this.#registries.get(key) ?? this.#connect(host, location);
    this.#registries.set(key, registry);
    return registry.repository(name);
  }

  /**
   * Reports whether an image is archived, which pulls do not tell from a deleted one. False if the role does not allow
   * `ecr:DescribeImages`.
   */
  async isArchived(location: AwsLocation, name: string, digest: string, signal: AbortSignal): Promise<boolean> {
    const { fips, dualStack } = this.#settings;
    try {
      const images = openEcrImages({ registry: { ...location, fips, dualStack }, ...this.#aws });
      return await images.isArchived(name, { digest }, { signal });
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug('it is unknown whether the image is archived', { error });
      return false;
    }
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

import { openEcrCatalog, parseEcrHost } from '@soci/ecr';
import type { RegistryCatalog } from '@soci/oci';
import { openRegistryCatalog } from '@soci/registry';
import type { RegistryStores } from '../transports/registry-stores.ts';

/** Returns the catalog of a registry: from the API of Amazon ECR, or from the distribution API. */
export function openCatalog(
  host: string,
  stores: RegistryStores,
  env: Readonly<Record<string, string | undefined>>,
): RegistryCatalog {
  const registry = parseEcrHost(host);
  return registry === undefined ? openRegistryCatalog(stores.registry(host)) : openEcrCatalog({ registry, env });
}

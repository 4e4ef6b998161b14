import { formatEcrHost, openEcrCatalog } from '@soci/ecr';
import type { RegistryCatalog } from '@soci/oci';
import { type JobsSettings, readJobsSettings } from '../environment/jobs-settings.ts';
import { type AwsLocation, type InvocationLog, type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { openStore, type RunStore } from './store.ts';

/** What the handler of a step needs. It is created once for each execution environment. */
export interface Job {
  readonly settings: JobsSettings;
  readonly log: InvocationLog;
  readonly store: RunStore;
  /** Starts an invocation. */
  begin(context: LambdaContext): AwsLocation;
  /** Returns the catalog of the registry of an account and Region. */
  catalog(location: AwsLocation): RegistryCatalog;
  /** Returns the host of that registry. */
  host(location: AwsLocation): string;
}

/** Name of the functions in logs, unless `POWERTOOLS_SERVICE_NAME` is set. */
export const SERVICE = 'soci-registry-jobs';

/** Reads the settings and opens log and store. @throws FunctionError `ENVIRONMENT_INVALID` */
export function openJob(): Job {
  const settings = readJobsSettings(process.env);
  const log = openLog(SERVICE);
  let catalog: RegistryCatalog | undefined;
  return {
    settings,
    log,
    store: openStore(settings.bucket),
    begin(context) {
      log.begin(context);
      return locationOf(context);
    },
    catalog(location) {
      const { fips, dualStack } = settings;
      catalog ??= openEcrCatalog({ registry: { ...location, fips, dualStack } });
      return catalog;
    },
    host({ account, region }) {
      const { fips, dualStack } = settings;
      return formatEcrHost({ account, region, fips, dualStack }) ?? `${account}.dkr.ecr.${region}.amazonaws.com`;
    },
  };
}

/** How the registry behaves where registries differ. */
export interface RegistrySettings {
  readonly referrers: boolean;
  readonly ecr: boolean;
  readonly autoCreate: boolean;
  readonly absoluteLocations: boolean;
  readonly minChunkSize: number;
  readonly singlePost: boolean;
  readonly pageSize: number;
}

/** How the registry behaves where registries differ. */
export interface RegistrySettings {
  readonly referrers: boolean;
  readonly ecr: boolean;
  readonly immutableTags: boolean;
  readonly autoCreate: boolean;
  readonly absoluteLocations: boolean;
  readonly singlePost: boolean;
  readonly pageSize: number;
}

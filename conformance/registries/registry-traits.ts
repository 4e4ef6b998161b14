import type { ToolName } from '../tools/tools.ts';

/** The registries of these tests. */
export type RegistryName =
  | 'docker-registry 2'
  | 'distribution 3 with redirects'
  | 'distribution 3 with TLS'
  | 'go-containerregistry with referrers';

/** Differences between the registries. */
export interface RegistryTraits {
  readonly name: RegistryName;
  /** Programs that it needs. */
  readonly programs: readonly ToolName[];
  readonly hasTls: boolean;
  readonly asksForLogin: boolean;
  /** Whether it redirects GET requests for blobs to a file server with status 307. */
  readonly redirectsBlobs: boolean;
  /** Whether it has the referrers API. Otherwise clients use the referrers tag. */
  readonly hasReferrers: boolean;
  /** Whether it mounts blobs from other repositories. */
  readonly mounts: boolean;
}

/** The traits of each registry. */
export const REGISTRIES: readonly RegistryTraits[] = [
  {
    name: 'docker-registry 2',
    programs: ['docker-registry'],
    hasTls: false,
    asksForLogin: true,
    redirectsBlobs: false,
    hasReferrers: false,
    mounts: true,
  },
  {
    name: 'distribution 3 with redirects',
    programs: ['registry'],
    hasTls: false,
    asksForLogin: true,
    redirectsBlobs: true,
    hasReferrers: false,
    mounts: true,
  },
  {
    name: 'distribution 3 with TLS',
    programs: ['registry', 'openssl'],
    hasTls: true,
    asksForLogin: true,
    redirectsBlobs: false,
    hasReferrers: false,
    mounts: true,
  },
  {
    name: 'go-containerregistry with referrers',
    programs: ['referrers-registry'],
    hasTls: false,
    asksForLogin: false,
    redirectsBlobs: false,
    hasReferrers: true,
    mounts: false,
  },
];

import type { ToolName } from '../tools/tools.ts';

/** The registries of these tests. */
export type RegistryName =
  | 'docker-registry 2'
  | 'distribution 3 with redirects'
  | 'distribution 3 with TLS'
  | 'go-containerregistry with referrers';

/** What sets a registry apart from the others. */
export interface RegistryTraits {
  readonly name: RegistryName;
  /** What it takes to start it. */
  readonly programs: readonly ToolName[];
  readonly hasTls: boolean;
  readonly asksForLogin: boolean;
  /** Whether it sends who wants a blob to a server of files, by 307. */
  readonly redirectsBlobs: boolean;
  /** Whether it has the referrers API; else referrers are found by a tag. */
  readonly hasReferrers: boolean;
  /** Whether it takes a blob over from another of its repositories. */
  readonly mounts: boolean;
}

/** Each registry as it is started. */
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

import type { AuthOption } from './auth/authenticator.ts';
import { TestRegistryError } from './errors.ts';

/** What the registry is to be like. */
export interface TestRegistryOptions {
  /** Port of the OCI API. @default any that is free */
  readonly port?: number;
  /** Serve TLS: with a certificate for loopback that is made at the start, or one of yours, PEM. @default false */
  readonly tls?: boolean | { readonly key: string; readonly cert: string };
  /**
   * Whom to let in: everybody; who knows a name and a password, sent as Basic; who has a token of a token service, sent
   * as Bearer; or `'ecr'`: who has a token that `GetAuthorizationToken` gave, sent as Basic with the name `AWS`.
   *
   * @default 'none'
   */
  readonly auth?: AuthOption;
  /** Answer the `GET` of a blob with 307 to signed addresses on a second port. @default false */
  readonly redirects?: boolean;
  /** Milliseconds that a signed address is good for. @default 3,600,000 */
  readonly urlLifetime?: number;
  /** Milliseconds that a token is good for. @default 43,200,000: 12 hours, as ECR's */
  readonly tokenLifetime?: number;
  /** Serve the referrers API. @default true */
  readonly referrers?: boolean;
  /** Refuse what Amazon ECR refuses. @default false */
  readonly ecr?: boolean;
  /** Refuse to move a tag, in repositories that are not created otherwise. @default false */
  readonly immutableTags?: boolean;
  /** Make a repository when it is first pushed to. @default true, with `ecr` false */
  readonly autoCreate?: boolean;
  /** Give uploads an absolute `Location`, scheme and host included. @default as `ecr` */
  readonly absoluteLocations?: boolean;
  /** Bytes that a part of an upload has at least, but for the last; announced as `OCI-Chunk-Min-Length`. @default 0 */
  readonly minChunkSize?: number;
  /** Take a blob whole in the `POST` (201); else only an upload is begun by it (202). @default false */
  readonly singlePost?: boolean;
  /** Tags or referrers in one answer at most. @default 1,000 */
  readonly pageSize?: number;
  /** Milliseconds that each answer takes longer. @default 0 */
  readonly latency?: number;
  /** Bytes a second that a connection carries, in each direction. @default no limit */
  readonly rate?: number;
  /** Keep blobs in this folder, which is made where it is missing. @default in memory */
  readonly folder?: string;
  /** Account that the registry belongs to. @default '123456789012' */
  readonly account?: string;
  /** Region that the registry is in. @default 'us-east-1' */
  readonly region?: string;
}

/** The least value of each option that is a number. */
const MINIMA = {
  port: 0,
  urlLifetime: 1,
  tokenLifetime: 1,
  minChunkSize: 0,
  pageSize: 1,
  latency: 0,
  rate: 1,
} satisfies Partial<Record<keyof TestRegistryOptions, number>>;

/** @throws TestRegistryError `OPTION_INVALID` where a number is none, or too small. */
export function checkOptions(options: TestRegistryOptions): void {
  for (const [name, least] of Object.entries(MINIMA)) {
    const value = options[name as keyof typeof MINIMA] ?? least;
    if (!(value >= least)) throw new TestRegistryError('OPTION_INVALID', `${name} is ${value}: at least ${least}`);
  }
}

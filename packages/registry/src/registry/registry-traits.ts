/** What a registry was seen to do, so that it is not asked twice. Shared by all repositories of one registry. */
export interface RegistryTraits {
  /** Whether it has the referrers API, or referrers are listed under a tag; undefined until it was seen. */
  hasReferrersApi: boolean | undefined;
  /** Whether it takes a blob in the request that opens an upload (a single POST); undefined until it was seen. */
  takesSinglePost: boolean | undefined;
}

export type { ByteRange, CallOptions, Fetcher, Prober, Pusher, RangeFetcher, ReferrerLister, Resolver, Tagger } from './content.ts';
export type { Descriptor } from './descriptor.ts';
export { OciError, type OciErrorCode } from './errors.ts';
export type { Platform } from './platform.ts';

import type { EcrImageActionEvent } from '@soci/test-registry';

/** What a registry was asked, from one look at it to the next. */
export interface RegistryTraffic {
  /** Requests, those that follow a redirect among them. */
  readonly requests: number;
  /** Bytes that were sent to it, without headers. */
  readonly bytesIn: number;
  /** Bytes that it sent, without headers. */
  readonly bytesOut: number;
}

/** What is asked of the thread that runs the registry. */
export type RegistryQuestion = 'stop' | 'traffic';

/** What it says. */
export type RegistryMessage =
  | {
      readonly type: 'started';
      readonly host: string;
      readonly awsEndpoint: string;
      readonly account: { readonly username: string; readonly password: string };
    }
  | { readonly type: 'event'; readonly event: EcrImageActionEvent }
  | { readonly type: 'traffic'; readonly traffic: RegistryTraffic };

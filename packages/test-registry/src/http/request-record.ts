/** The three addresses that the registry answers on: the OCI API, the storage of blobs, ECR's own API. */
export type PortName = 'aws' | 'registry' | 'storage';

/** A request that came in. */
export interface RequestRecord {
  readonly port: PortName;
  readonly method: string;
  /** Its path as it was sent, without the query. */
  readonly path: string;
  /** Its query as it was sent, without the question mark; empty where there is none. */
  readonly query: string;
  /** Status of the answer; 0 while there is none, and where the connection ended without one. */
  readonly status: number;
  /** Bytes of the request's body that were taken. */
  readonly bytesIn: number;
  /** Bytes of the answer's body that were sent. */
  readonly bytesOut: number;
  /** Whether it carried `Authorization`. */
  readonly authorization: boolean;
  /** Its `Range`, where it had one. */
  readonly range?: string;
}

/** What a runtime is given to do. */
export interface RuntimeWork {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** Milliseconds that it may take. */
  readonly timeout: number;
  readonly functionArn: string;
}

/** What a runtime says of its work, or of its start. */
export type RuntimeAnswer =
  | { readonly kind: 'response'; readonly bytes: Buffer }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string; readonly bytes: Buffer };

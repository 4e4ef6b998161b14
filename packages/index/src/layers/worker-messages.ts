import type { ZtocErrorCode } from '@soci/ztoc';
import type { SociIndexErrorCode } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import type { BuiltLayer } from './build-layer.ts';
import type { LayerTask } from './layer-plan.ts';
import type { LayerSettings } from './layer-settings.ts';

/** What a worker thread is told: a layer starts, its bytes come in buffers lent to it, it ends. One layer at a time. */
export type ToWorker =
  | { readonly type: 'start'; readonly task: LayerTask; readonly settings: LayerSettings }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'end' };

/** What a worker thread tells: a buffer is free again and comes back, progress, and one answer a layer. */
export type FromWorker =
  | { readonly type: 'taken'; readonly buffer: ArrayBuffer }
  | { readonly type: 'progress'; readonly progress: LayerProgress }
  | { readonly type: 'built'; readonly layer: BuiltLayer }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

/** An error in a form that crosses threads with its code. */
export interface WorkerFailure {
  readonly message: string;
  readonly code: SociIndexErrorCode | undefined;
  readonly cause:
    | { readonly code: ZtocErrorCode; readonly message: string; readonly offset: number | undefined }
    | undefined;
}

// Takes the place of node:worker_threads in the executable, which has no folder with a script for `new Worker(URL)`.
import { getAsset } from 'node:sea';
import { Worker as NodeWorker, type WorkerOptions } from 'node:worker_threads';

/** Asset with the script of the worker threads. */
const SCRIPT = 'layer-worker.js';

/** A thread that runs the script from the executable, whatever URL the caller passes, or the source text of the caller. */
export class Worker extends NodeWorker {
  constructor(script: URL | string, options: WorkerOptions) {
    super(options.eval ? script : getAsset(SCRIPT, 'utf8'), { ...options, eval: true });
  }
}

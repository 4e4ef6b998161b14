import { randomUUID } from 'node:crypto';
import { configMediaType, type StoredManifest } from './store/repository.ts';

/** Event for a pushed or deleted image. @see Amazon ECR User Guide, "Amazon ECR events and EventBridge" */
export interface EcrImageActionEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': 'ECR Image Action';
  readonly source: 'aws.ecr';
  readonly account: string;
  /** ISO 8601 in UTC, in whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly [];
  readonly detail: {
    readonly result: 'SUCCESS';
    readonly 'repository-name': string;
    readonly 'image-digest': string;
    readonly 'action-type': 'DELETE' | 'PUSH';
    /** Empty if the image was pushed without a tag. */
    readonly 'image-tag': string;
    readonly 'manifest-media-type': string;
    /** Media type of the config; absent for an image index. */
    readonly 'artifact-media-type'?: string;
  };
}

/** Records events and notifies listeners. */
export class EventLog {
  readonly account: string;
  readonly region: string;
  readonly events: EcrImageActionEvent[] = [];
  readonly #listeners = new Set<(event: EcrImageActionEvent) => void>();

  constructor(account: string, region: string) {
    this.account = account;
    this.region = region;
  }

  /** Adds a listener for later events. @returns a function that removes it */
  listen(listener: (event: EcrImageActionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  record(action: 'DELETE' | 'PUSH', repository: string, manifest: StoredManifest, tag: string | undefined): void {
    const artifactType = configMediaType(manifest);
    const event: EcrImageActionEvent = {
      version: '0',
      id: randomUUID(),
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account: this.account,
      time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      region: this.region,
      resources: [],
      detail: {
        result: 'SUCCESS',
        'repository-name': repository,
        'image-digest': manifest.digest,
        'action-type': action,
        'image-tag': tag ?? '',
        'manifest-media-type': manifest.mediaType,
        ...(artifactType !== undefined && { 'artifact-media-type': artifactType }),
      },
    };
    this.events.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

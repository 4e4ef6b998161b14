import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IndexingOptions } from './indexing-options';

/**
 * Options of `SociIndexedImage`. The images of a stack share one function, with the largest `memorySize` and `timeout` among
 * them. `architecture`, `logRetention`, `permissionsBoundary` and `vpc` must be the same for all of them.
 */
export interface SociIndexedImageOptions extends IndexingOptions {
  /**
   * Tag of the SOCI-enabled image: text with `{tag}` (tag of the original image) or `{digest12}` (first 12 digits of its
   * digest), or `none`. Ignored for version 1.
   *
   * @default '{tag}-soci', or 'soci-{digest12}' if the image is given by its digest
   */
  readonly outputTag?: string;
  /**
   * Whether the deployment waits for the index and fails without it. If false, the deployment continues with the original image
   * and the function creates the index in the background. The outcome is in the function's log.
   *
   * @default true
   */
  readonly wait?: boolean;
  /**
   * Whether to delete the SOCI-enabled image and its SOCI indexes when you remove the construct or change its image. Manifests
   * with another tag are kept. The original image is always kept.
   *
   * Indexes that existed before, for example from a `SociIndexBuilder`, are deleted too. If two constructs have the same image,
   * they share an index, which is deleted with the first of them. Renaming or moving a construct creates it again before the old
   * one is deleted: set this to false and deploy before you rename it.
   *
   * @default true
   */
  readonly removeIndex?: boolean;
  /**
   * VPC that the function runs in. It must reach Amazon S3, for CloudFormation's response URLs and for layers, over the internet
   * or a gateway endpoint. It must also reach `ecr.api`, `ecr.dkr` and, if `wait` is false, `lambda`.
   *
   * @default - the function does not run in a VPC
   */
  readonly vpc?: IVpc;
}

/** Properties of `SociIndexedImage`. */
export interface SociIndexedImageProps extends SociIndexedImageOptions {
  /** Repository of the image and its index, in the account and Region of the stack. */
  readonly repository: IRepository;
  /**
   * Tag or digest (`sha256:...`) of the image, which must exist when the stack is deployed. A tag is resolved during deployment,
   * but only if a property of the construct has changed: use digests, or tags that do not move.
   */
  readonly tag: string;
}
